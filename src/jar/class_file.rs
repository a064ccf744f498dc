//! What one class file declares and refers to (JVMS 4).

use super::pool::{Broken, Cursor, Pool};
use super::signature::Signature;

/// Methods without arguments whose answer is worth knowing where it is a
/// constant: what Flink finds factories and file systems by.
const ASKED: [&str; 2] = ["factoryIdentifier", "getScheme"];

/// How class files begin.
const MAGIC: u32 = 0xcafe_babe;
/// Access flag of a method without code.
const ABSTRACT: u16 = 0x0400;
/// Instructions (JVMS 6.5).
const LDC: u8 = 0x12;
const LDC_W: u8 = 0x13;
const ARETURN: u8 = 0xb0;

/// A class file's declarations and references; names are internal ones, with
/// slashes.
#[derive(Debug)]
pub struct ClassFile<'a> {
    /// The class's own name.
    pub name: &'a str,
    /// Major version of the form: 52 for Java 8, 61 for Java 17.
    pub major: u16,
    /// Access flags (JVMS table 4.1-B).
    pub access: u16,
    /// Super class, then interfaces.
    pub types: Vec<&'a str>,
    /// Fields and methods.
    pub members: Vec<Signature<'a>>,
    /// Fields and methods of others: owner and signature. Owners that are
    /// arrays or in `java.` are left out.
    pub uses: Vec<(&'a str, Signature<'a>)>,
    /// Classes that its code names, and no field or method of them: in casts, class
    /// literals and handlers of exceptions. Nested ones, arrays and those in `java.` are
    /// left out.
    pub classes: Vec<&'a str>,
    /// Methods of [`ASKED`] that it declares, with what they answer where that
    /// is a constant.
    pub answers: Vec<(&'static str, Option<&'a str>)>,
    /// Bytes of all these texts, each as often as it is named; at most 64 MiB.
    pub texts: u64,
}

/// Whether a class is certainly part of every JRE, so that references to it are
/// not worth keeping.
fn is_core(owner: &str) -> bool {
    owner.starts_with("java/") || owner.starts_with('[')
}

/// Reads a class file. Errors say what is broken; text that is no UTF-8 (JVMS
/// allows single surrogates) counts as broken where a name holds it.
pub fn parse(bytes: &[u8]) -> Result<ClassFile<'_>, String> {
    read(bytes).map_err(|error| error.to_string())
}

fn read(bytes: &[u8]) -> Result<ClassFile<'_>, Broken> {
    let mut from = Cursor(bytes);
    if from.u32()? != MAGIC {
        return Err(Broken::Start);
    }
    let _minor = from.u16()?;
    let major = from.u16()?;
    let pool = Pool::read(&mut from)?;
    let access = from.u16()?;
    let mut told = Told::of(&pool);
    let name = pool.class(told.note(from.u16()?))?;
    let mut types = Vec::new();
    match from.u16()? {
        // Of java.lang.Object, and of descriptions of modules.
        0 => {}
        super_class => types.push(pool.class(told.note(super_class))?),
    }
    for _ in 0..from.u16()? {
        types.push(pool.class(told.note(from.u16()?))?);
    }
    let mut members = Vec::new();
    for _ in 0..from.u16()? {
        members.push(member(&pool, &mut from, &mut told)?.signature);
    }
    let mut answers = Vec::new();
    for _ in 0..from.u16()? {
        let Member {
            access,
            signature,
            attributes,
        } = member(&pool, &mut from, &mut told)?;
        members.push(signature);
        let asked = ASKED.into_iter().find(|asked| *asked == signature.name);
        if let Some(asked) = asked
            && signature.descriptor == "()Ljava/lang/String;"
            && access & ABSTRACT == 0
        {
            answers.push((asked, answer(&pool, attributes)));
        }
    }
    told.attributes(&pool, &mut from)?;
    let uses = uses(&pool, &mut told)?;
    let classes = told.others(&pool)?;
    Ok(ClassFile {
        name,
        major,
        access,
        types,
        members,
        uses,
        classes,
        answers,
        texts: pool.asked(),
    })
}

/// A field or method.
struct Member<'a> {
    access: u16,
    signature: Signature<'a>,
    attributes: Cursor<'a>,
}

/// Which classes of the pool are told of already, or are named by other than code.
struct Told(Vec<bool>);

impl Told {
    fn of(pool: &Pool<'_>) -> Told {
        Told(vec![false; pool.len()])
    }

    fn note(&mut self, class: u16) -> u16 {
        if let Some(told) = self.0.get_mut(usize::from(class)) {
            *told = true;
        }
        class
    }

    /// Reads over attributes, and notes the classes of those that are there for the
    /// compiler: what a method throws, which classes are nested (JVMS 4.7.5, 4.7.6).
    fn attributes(&mut self, pool: &Pool<'_>, from: &mut Cursor<'_>) -> Result<(), Broken> {
        for _ in 0..from.u16()? {
            let name = from.u16()?;
            let length = from.u32()?;
            let content = from.take(length as usize)?;
            // How many numbers are in a row, and how many of them are classes.
            let (row, classes) = if pool.is(name, "Exceptions") {
                (1, 1)
            } else if pool.is(name, "InnerClasses") {
                (4, 2)
            } else {
                continue;
            };
            let (numbers, _) = content.as_chunks();
            // Before the rows comes how many there are.
            for row in numbers.get(1..).unwrap_or_default().chunks(row) {
                for number in row.iter().take(classes) {
                    self.note(u16::from_be_bytes(*number));
                }
            }
        }
        Ok(())
    }

    /// The names of the other classes.
    fn others<'a>(&self, pool: &Pool<'a>) -> Result<Vec<&'a str>, Broken> {
        let others = pool.classes().filter(|class| !self.0[usize::from(*class)]);
        let mut names = Vec::new();
        for class in others {
            let name = pool.class(class)?;
            if !is_core(name) {
                names.push(name);
            }
        }
        Ok(names)
    }
}

fn member<'a>(
    pool: &Pool<'a>,
    from: &mut Cursor<'a>,
    told: &mut Told,
) -> Result<Member<'a>, Broken> {
    let access = from.u16()?;
    let (name, descriptor) = (pool.text(from.u16()?)?, pool.text(from.u16()?)?);
    let attributes = *from;
    told.attributes(pool, from)?;
    Ok(Member {
        access,
        signature: Signature { name, descriptor },
        attributes,
    })
}

/// Every field and method that the constant pool names: only code does so.
fn uses<'a>(pool: &Pool<'a>, told: &mut Told) -> Result<Vec<(&'a str, Signature<'a>)>, Broken> {
    let mut uses = Vec::new();
    for (class, signature) in pool.members() {
        let owner = pool.class(told.note(class))?;
        if !is_core(owner) {
            uses.push((owner, pool.signature(signature)?));
        }
    }
    Ok(uses)
}

/// The string that a method returns, where it does nothing else.
fn answer<'a>(pool: &Pool<'a>, mut attributes: Cursor<'a>) -> Option<&'a str> {
    for _ in 0..attributes.u16().ok()? {
        let name = pool.text(attributes.u16().ok()?).ok()?;
        let length = attributes.u32().ok()?;
        let mut content = Cursor(attributes.take(length as usize).ok()?);
        if name != "Code" {
            continue;
        }
        let _stack_and_locals = content.u32().ok()?;
        let length = content.u32().ok()?;
        let mut code = Cursor(content.take(length as usize).ok()?);
        let string = match code.u8().ok()? {
            LDC => u16::from(code.u8().ok()?),
            LDC_W => code.u16().ok()?,
            _ => return None,
        };
        let is_answer = code.u8().ok()? == ARETURN;
        return is_answer.then(|| pool.string(string).ok())?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jar::samples;

    #[test]
    fn declarations_and_references_are_read() {
        let bytes = samples::class("a/B", "a/Base")
            .implements("a/I")
            .method("run", "()V")
            .field("count", "I")
            .calls("c/D", "go", "(I)V")
            .calls("java/util/List", "size", "()I")
            .bytes();
        let class = parse(&bytes).unwrap();
        assert_eq!((class.name, class.major), ("a/B", 52));
        assert_eq!(class.types, ["a/Base", "a/I"]);
        let members: Vec<String> = class.members.iter().map(Signature::to_string).collect();
        assert_eq!(members, ["count:I", "run()V"]);
        let (name, descriptor) = ("go", "(I)V");
        let used = Signature { name, descriptor };
        assert_eq!(class.uses, [("c/D", used)]);
        assert_eq!(used.crc(), crc32fast::hash(b"go(I)V"));
    }

    #[test]
    fn classes_without_members_are_read_once_and_none_that_is_told_of() {
        let bytes = samples::class("a/B", "a/Base")
            .implements("a/I")
            .calls("c/D", "go", "(I)V")
            .names("c/Cast")
            .names("[Lc/Many;")
            .names("java/util/List")
            .throws("run", "c/Thrown")
            .nests("a/B$C")
            .names("c/Literal")
            .bytes();
        assert_eq!(parse(&bytes).unwrap().classes, ["c/Cast", "c/Literal"]);
    }

    #[test]
    fn a_constant_answer_is_known() {
        let bytes = samples::class("a/Factory", "java/lang/Object")
            .answers("factoryIdentifier", "kafka")
            .bytes();
        let class = parse(&bytes).unwrap();
        assert_eq!(class.answers, [("factoryIdentifier", Some("kafka"))]);
    }

    #[test]
    fn cut_off_class_files_are_errors() {
        let bytes = samples::class("a/B", "a/Base")
            .answers("getScheme", "s3")
            .calls("c/D", "go", "(I)V")
            .bytes();
        for end in 0..bytes.len() {
            assert!(parse(&bytes[..end]).is_err(), "{end} bytes");
        }
    }

    proptest::proptest! {
        #[test]
        fn changed_bytes_never_panic(at in 0usize..400, byte in proptest::num::u8::ANY) {
            let mut bytes = samples::class("a/B", "a/Base")
                .answers("getScheme", "s3").calls("c/D", "go", "(I)V").field("x", "J").bytes();
            let at = at % bytes.len();
            bytes[at] = byte;
            let _ = parse(&bytes);
        }
    }
}
