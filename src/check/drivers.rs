//! JDBC drivers: that they are there, and where they can be found.

use super::finding::{Finding, Severity};
use super::input::{Input, Loader};
use super::versions::name_of;

/// Classes of JDBC drivers that are seen often.
const DRIVERS: &[&str] = &[
    "com/mysql/cj/jdbc/Driver",
    "com/mysql/jdbc/Driver",
    "org/postgresql/Driver",
    "oracle/jdbc/OracleDriver",
    "com/microsoft/sqlserver/jdbc/SQLServerDriver",
    "org/mariadb/jdbc/Driver",
    "com/ibm/db2/jcc/DB2Driver",
    "org/apache/derby/jdbc/EmbeddedDriver",
];

/// What a services file of a driver is for; in the catalogue it stands for any driver.
const DRIVER: &str = "java.sql.Driver";

/// Looks for drivers in usrlib/, and for connectors without one.
pub fn check(input: &Input, found: &mut Vec<Finding>) {
    for jar in input.jars.iter().filter(|jar| jar.loader == Loader::User) {
        let facts = jar.facts.iter();
        let mut drivers =
            facts.flat_map(|facts| DRIVERS.iter().filter(|name| facts.find(name).is_some()));
        if let Some(driver) = drivers.next() {
            let message = format!(
                "{} brings the JDBC driver {}",
                jar.path,
                driver.replace('/', ".")
            );
            found.push(Finding::new("FP0405", Severity::Warning, message).jar(jar));
        }
    }
    without(input, found);
}

/// Connectors whose row in the catalogue says that they need a driver.
fn without(input: &Input, found: &mut Vec<Finding>) {
    // What was not read may be one.
    if input
        .jars
        .iter()
        .any(|jar| jar.facts.is_none() && matches!(jar.loader, Loader::Lib | Loader::User))
    {
        return;
    }
    let has_class = |name: &str| {
        let mut facts = input.jars.iter().filter_map(|jar| jar.facts.as_deref());
        facts.any(|facts| facts.find(name).is_some())
    };
    let has_any = || {
        let facts = input.jars.iter().filter_map(|jar| jar.facts.as_deref());
        let mut services = facts.flat_map(|facts| &facts.extras.services);
        services.any(|service| service.interface == DRIVER)
            || DRIVERS.iter().any(|name| has_class(name))
    };
    let has = |driver: &str| match driver {
        DRIVER => has_any(),
        class => has_class(&class.replace('.', "/")),
    };
    let minor = format!("{}.{}", input.flink.major, input.flink.minor);
    for jar in input.jars.iter().filter(|jar| !jar.of_base) {
        let Some(name) = name_of(jar) else { continue };
        let (artifact, _) = name.of_scala();
        let releases = input.catalogue.entries().flat_map(|entry| &entry.releases);
        let mut listed = releases.map(|release| &release.artifact);
        let listed = listed.find(|listed| {
            listed.plain_name() == artifact
                && listed.version.replace("{minor}", &minor) == name.version
        });
        let Some(listed) = listed else { continue };
        let drivers = &listed.drivers;
        if !drivers.is_empty() && !drivers.iter().any(|driver| has(driver)) {
            let needs = listed.needs.as_deref().unwrap_or("a JDBC driver");
            let message = format!("{} needs {needs}; no JAR of the image has it", jar.path);
            found.push(Finding::new("FP0406", Severity::Warning, message).jar(jar));
        }
    }
}
