//! How far each class is from where Flink enters: factories, the job's main
//! class, functions.
//!
//! A class is one step from each class whose methods or fields it names. That is
//! coarse (a method that is never called counts), so what follows from it is a
//! rank and no certainty.

use std::collections::VecDeque;

use super::input::Input;
use super::view::{ClassAt, Lookup, Scope};
use crate::image::LayerKind;
use crate::jar::Name;

/// Steps after which nothing is told apart any more.
const FAR: u8 = 6;

/// Not reached.
const NEVER: u8 = u8::MAX;

/// Distances, of the classes of one view.
pub struct Reach {
    /// By JAR and class.
    steps: Vec<Vec<u8>>,
}

impl Reach {
    /// From what the services files of Flink's interfaces name, the main class,
    /// and every class of UDF JARs that extends one of Flink's functions.
    pub fn of(input: &Input, scope: Scope<'_>) -> Reach {
        let jars = scope.own.jars.iter();
        let mut reach = Reach {
            steps: jars
                .map(|seen| vec![NEVER; seen.facts.end() as usize])
                .collect(),
        };
        let mut queue = VecDeque::new();
        let mut enter = |name: &str| queue.extend(reach.arrive(scope, name.into(), 0));
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
                for class in seen.classes() {
                    let mut types = class.types();
                    if types.any(|name| name.text.starts_with("org/apache/flink/table/functions/"))
                    {
                        enter(class.name().text);
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
            .map(|seen| vec![false; seen.facts.names().count()])
            .collect();
        while let Some(place) = queue.pop_front() {
            let step = reach.steps[place.jar as usize][place.class as usize];
            let Some(class) = scope.own.class(place) else {
                continue;
            };
            let jar = &scope.own.jars[place.jar as usize];
            if step >= FAR || jar.jar.of_base {
                continue;
            }
            let named = &mut named[place.jar as usize];
            let used = class.uses().filter(|used| used.is_of_member());
            let used = used.filter(|used| {
                let known = named.get_mut(used.owner_number as usize);
                known.is_some_and(|known| !std::mem::replace(known, true))
            });
            for name in used.map(|used| used.owner).chain(class.types()) {
                queue.extend(reach.arrive(scope, name, step + 1));
            }
        }
        reach
    }

    /// The class's place, if it was not reached before.
    fn arrive(&mut self, scope: Scope<'_>, name: Name<'_>, step: u8) -> Option<ClassAt> {
        let place = scope.own.own(name)?;
        let of_jar = self.steps.get_mut(place.jar as usize)?;
        let known = of_jar.get_mut(place.class as usize)?;
        let is_new = *known == NEVER;
        if is_new {
            *known = step;
        }
        is_new.then_some(place)
    }

    /// Steps to a class; `None` where it is far or not reached at all.
    pub fn steps(&self, scope: Scope<'_>, name: Name<'_>) -> Option<u8> {
        let Lookup::Class(..) = scope.find(name) else {
            return None;
        };
        let place = scope.own.own(name)?;
        let of_jar = self.steps.get(place.jar as usize)?;
        let steps = of_jar.get(place.class as usize)?;
        (*steps != NEVER).then_some(*steps)
    }
}
