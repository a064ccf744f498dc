//! Which classes come with the JRE, by the beginning of their names.
//!
//! Source: the packages of the modules of Java 8 to 21 (the list of `jdk.*` and
//! `java.*` modules in each release's API documentation). A name that begins so
//! is taken to be there, whatever the release: what Java 11 dropped (JAXB, CORBA,
//! `javax.annotation`) is not reported, since libraries guard their use of it.

const PREFIXES: &[&str] = &[
    "java/",
    "jdk/",
    "sun/",
    "com/sun/",
    "org/w3c/dom/",
    "org/xml/sax/",
    "org/ietf/jgss/",
    "org/omg/",
    "netscape/javascript/",
    "org/jcp/xml/dsig/",
    "com/oracle/",
    "javax/accessibility/",
    "javax/activation/",
    "javax/activity/",
    "javax/annotation/",
    "javax/crypto/",
    "javax/imageio/",
    "javax/jws/",
    "javax/lang/model/",
    "javax/management/",
    "javax/naming/",
    "javax/net/",
    "javax/print/",
    "javax/rmi/",
    "javax/script/",
    "javax/security/",
    "javax/smartcardio/",
    "javax/sound/",
    "javax/sql/",
    "javax/swing/",
    "javax/tools/",
    "javax/transaction/",
    "javax/xml/",
];

/// Whether a class, named with slashes, is taken to come with the JRE.
pub fn has(name: &str) -> bool {
    PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// The methods that every object has (java.lang.Object), as signatures.
pub const OBJECT: &[&str] = &[
    "<init>()V",
    "getClass()Ljava/lang/Class;",
    "hashCode()I",
    "equals(Ljava/lang/Object;)Z",
    "clone()Ljava/lang/Object;",
    "toString()Ljava/lang/String;",
    "notify()V",
    "notifyAll()V",
    "wait()V",
    "wait(J)V",
    "wait(JI)V",
    "finalize()V",
];
