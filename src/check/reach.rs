//! How far each class is from where Flink enters: factories, the job's main
//! class, functions.
//!
//! A class is one step from each class whose methods or fields it names. That is
//! coarse (a method that is never called counts), so what follows from it is a
//! rank and no certainty.

use std::collections::{HashMap, VecDeque};

use super::input::Input;
use super::view::{Found, Place, Scope};
use crate::image::LayerKind;

/// Steps after which nothing is told apart any more.
const FAR: u8 = 6;

/// Distances, of the classes of one view.
pub struct Reach {
    steps: HashMap<Place, u8>,
}

impl Reach {
    /// From what the services files of Flink's interfaces name, the main class,
    /// and every class of UDF JARs that extends one of Flink's functions.
    pub fn of(input: &Input, scope: Scope<'_>) -> Reach {
        let mut steps = HashMap::new();
        let mut queue = VecDeque::new();
        let mut enter = |name: &str| {
            if let Some(place) = scope.own.own(name)
                && steps.insert(place, 0).is_none()
            {
                queue.push_back(place);
            }
        };
        for seen in &scope.own.jars {
            if seen.jar.of_base {
                continue;
            }
            for service in &seen.facts.extras.services {
                if service.interface.starts_with("org.apache.flink.") {
                    for provider in &service.providers {
                        enter(&provider.replace('.', "/"));
                    }
                }
            }
            if seen.jar.kind == Some(LayerKind::Udf) {
                for class in seen.facts.classes() {
                    let mut types = class.types();
                    if types.any(|name| name.starts_with("org/apache/flink/table/functions/")) {
                        enter(class.name());
                    }
                }
            }
        }
        if let Some(main) = &input.main_class {
            enter(&main.replace('.', "/"));
        }
        // What a JAR's class has named once is not looked for again: the first one
        // was the nearest.
        let mut named: Vec<Vec<bool>> = scope
            .own
            .jars
            .iter()
            .map(|seen| vec![false; seen.facts.name_count()])
            .collect();
        while let Some(place) = queue.pop_front() {
            let step = steps.get(&place).copied().unwrap_or(0);
            let Some(class) = scope.own.class(place) else {
                continue;
            };
            let jar = &scope.own.jars[place.jar as usize];
            if step >= FAR || jar.jar.of_base {
                continue;
            }
            let named = &mut named[place.jar as usize];
            let used = class.uses().filter(|used| {
                let known = named.get_mut(used.owner_number as usize);
                known.is_some_and(|known| !std::mem::replace(known, true))
            });
            let used: Vec<&str> = used.map(|used| used.owner).collect();
            for name in used.into_iter().chain(class.types()) {
                if let Some(next) = scope.own.own(name)
                    && !steps.contains_key(&next)
                {
                    steps.insert(next, step + 1);
                    queue.push_back(next);
                }
            }
        }
        Reach { steps }
    }

    /// Steps to a class; `None` where it is far or not reached at all.
    pub fn steps(&self, scope: Scope<'_>, name: &str) -> Option<u8> {
        match scope.find(name) {
            Found::Class(..) => self.steps.get(&scope.own.own(name)?).copied(),
            _ => None,
        }
    }
}
