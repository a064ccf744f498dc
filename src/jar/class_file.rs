//! What one class file declares and refers to (JVMS 4).

use noak::error::DecodeError;
use noak::reader::attributes::{AttributeContent, RawInstruction};
use noak::reader::cpool::{self, ConstantPool, Index, Item};
use noak::reader::{Class, Method};
use noak::{AccessFlags, MStr};

use super::signature::Signature;

/// Methods without arguments whose answer is worth knowing where it is a
/// constant: what Flink finds factories and file systems by.
const ASKED: [&str; 2] = ["factoryIdentifier", "getScheme"];

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
    /// Methods of [`ASKED`] that it declares, with what they answer where that
    /// is a constant.
    pub answers: Vec<(&'static str, Option<&'a str>)>,
}

impl<'a> ClassFile<'a> {
    /// The signatures of what it declares and refers to.
    pub(super) fn signatures(&self) -> impl Iterator<Item = Signature<'a>> {
        let used = self.uses.iter().map(|(_, signature)| *signature);
        self.members.iter().copied().chain(used)
    }
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
    let class = Class::new(bytes)?;
    let pool = class.pool();
    let mut types = Vec::new();
    if let Some(index) = class.super_class() {
        types.push(text(pool.retrieve(index)?.name)?);
    }
    for interface in class.interfaces() {
        types.push(text(pool.retrieve(interface?)?.name)?);
    }
    let mut members = Vec::new();
    for field in class.fields() {
        let field = field?;
        let (name, descriptor) = (utf8(pool, field.name())?, utf8(pool, field.descriptor())?);
        members.push(Signature { name, descriptor });
    }
    let mut answers = Vec::new();
    for method in class.methods() {
        let method = method?;
        let (name, descriptor) = (utf8(pool, method.name())?, utf8(pool, method.descriptor())?);
        members.push(Signature { name, descriptor });
        let asked = ASKED.into_iter().find(|asked| *asked == name);
        if let Some(asked) = asked
            && descriptor == "()Ljava/lang/String;"
            && !method.access_flags().contains(AccessFlags::ABSTRACT)
        {
            answers.push((asked, answer(pool, &method)));
        }
    }
    Ok(ClassFile {
        name: text(pool.retrieve(class.this_class())?.name)?,
        major: class.version().major,
        access: class.access_flags().bits(),
        types,
        members,
        uses: uses(pool)?,
        answers,
    })
}

/// Every field and method that the constant pool names: only code does so.
fn uses<'a>(pool: &ConstantPool<'a>) -> Result<Vec<(&'a str, Signature<'a>)>, Broken> {
    let mut uses = Vec::new();
    for item in pool.iter() {
        let (class, what) = match item {
            Item::FieldRef(of) => (of.class, of.name_and_type),
            Item::MethodRef(of) => (of.class, of.name_and_type),
            Item::InterfaceMethodRef(of) => (of.class, of.name_and_type),
            _ => continue,
        };
        let owner = text(pool.retrieve(class)?.name)?;
        if !is_core(owner) {
            let what = pool.retrieve(what)?;
            let (name, descriptor) = (text(what.name)?, text(what.descriptor)?);
            uses.push((owner, Signature { name, descriptor }));
        }
    }
    Ok(uses)
}

/// The string that a method returns, where it does nothing else.
fn answer<'a>(pool: &ConstantPool<'a>, method: &Method<'a>) -> Option<&'a str> {
    for attribute in method.attributes() {
        let attribute = attribute.ok()?;
        if utf8(pool, attribute.name()).ok()? != "Code" {
            continue;
        }
        let AttributeContent::Code(code) = attribute.read_content(pool).ok()? else {
            return None;
        };
        let mut instructions = code.raw_instructions();
        let index = match instructions.next()?.ok()?.1 {
            RawInstruction::LdC { index } | RawInstruction::LdCW { index } => index,
            _ => return None,
        };
        let RawInstruction::AReturn = instructions.next()?.ok()?.1 else {
            return None;
        };
        return match pool.get(index).ok()? {
            Item::String(string) => utf8(pool, string.string).ok(),
            _ => None,
        };
    }
    None
}

fn utf8<'a>(pool: &ConstantPool<'a>, index: Index<cpool::Utf8<'a>>) -> Result<&'a str, Broken> {
    text(pool.retrieve(index)?)
}

fn text(text: &MStr) -> Result<&str, Broken> {
    text.to_str().ok_or(Broken::Name)
}

#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("{0}")]
    Form(#[from] DecodeError),
    #[error("a name is no UTF-8")]
    Name,
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
