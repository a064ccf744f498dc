//! Class files made for tests, so that none needs a compiler.

/// A class file to be.
pub struct Sample {
    pool: Vec<u8>,
    /// Where the last constant begins.
    last: usize,
    count: u16,
    this: u16,
    parent: u16,
    interfaces: Vec<u16>,
    fields: Vec<(u16, u16)>,
    methods: Vec<(u16, u16, Option<u16>)>,
    /// The method that throws, and its attribute's name and class.
    throws: Option<(u16, u16, u16)>,
    /// The attribute's name, and the class that is nested in this one.
    nests: Option<(u16, u16)>,
    major: u16,
    access: u16,
}

/// A public class of Java 8 with this super class.
pub fn class(name: &str, parent: &str) -> Sample {
    let mut sample = Sample {
        pool: Vec::new(),
        last: 0,
        count: 1,
        this: 0,
        parent: 0,
        interfaces: Vec::new(),
        fields: Vec::new(),
        methods: Vec::new(),
        throws: None,
        nests: None,
        major: 52,
        access: 0x21,
    };
    sample.this = sample.class(name);
    sample.parent = sample.class(parent);
    sample
}

impl Sample {
    fn item(&mut self, tag: u8, content: &[u8]) -> u16 {
        self.last = self.pool.len();
        self.pool.push(tag);
        self.pool.extend(content);
        self.count += 1;
        self.count - 1
    }

    fn text(&mut self, text: &str) -> u16 {
        let mut content = (text.len() as u16).to_be_bytes().to_vec();
        content.extend(text.as_bytes());
        self.item(1, &content)
    }

    fn class(&mut self, name: &str) -> u16 {
        let name = self.text(name);
        self.item(7, &name.to_be_bytes())
    }

    /// Of another form, such as 61.
    pub fn major(mut self, major: u16) -> Sample {
        self.major = major;
        self
    }

    /// An interface instead.
    pub fn interface(mut self) -> Sample {
        self.access = 0x0601;
        self
    }

    /// One more interface.
    pub fn implements(mut self, name: &str) -> Sample {
        let index = self.class(name);
        self.interfaces.push(index);
        self
    }

    /// One more field.
    pub fn field(mut self, name: &str, descriptor: &str) -> Sample {
        let field = (self.text(name), self.text(descriptor));
        self.fields.push(field);
        self
    }

    /// One more method, which does nothing.
    pub fn method(mut self, name: &str, descriptor: &str) -> Sample {
        let method = (self.text(name), self.text(descriptor), None);
        self.methods.push(method);
        self
    }

    /// One more class that code names.
    pub fn names(mut self, name: &str) -> Sample {
        self.class(name);
        self
    }

    /// One more method, which throws an exception of this class.
    pub fn throws(mut self, name: &str, exception: &str) -> Sample {
        let (attribute, class) = (self.text("Exceptions"), self.class(exception));
        self = self.method(name, "()V");
        self.throws = Some((self.methods.len() as u16 - 1, attribute, class));
        self
    }

    /// A class that is nested in this one.
    pub fn nests(mut self, name: &str) -> Sample {
        self.nests = Some((self.text("InnerClasses"), self.class(name)));
        self
    }

    /// One more method, which returns a string.
    pub fn answers(mut self, name: &str, value: &str) -> Sample {
        let value = self.text(value);
        let value = self.item(8, &value.to_be_bytes());
        let (name, descriptor) = (self.text(name), self.text("()Ljava/lang/String;"));
        self.methods.push((name, descriptor, Some(value)));
        self
    }

    /// One more method of another class that is called.
    pub fn calls(mut self, owner: &str, name: &str, descriptor: &str) -> Sample {
        let owner = self.class(owner);
        let (name, descriptor) = (self.text(name), self.text(descriptor));
        let what = self.item(12, &[name.to_be_bytes(), descriptor.to_be_bytes()].concat());
        self.item(10, &[owner.to_be_bytes(), what.to_be_bytes()].concat());
        self
    }

    /// The call or class before, so many times more.
    pub fn again(mut self, times: u16) -> Sample {
        let constant = self.pool[self.last..].repeat(usize::from(times));
        self.pool.extend(constant);
        self.count += times;
        self
    }

    /// The class file.
    pub fn bytes(mut self) -> Vec<u8> {
        let code = self.text("Code");
        let mut out = 0xcafe_babe_u32.to_be_bytes().to_vec();
        for number in [0, self.major, self.count] {
            out.extend(number.to_be_bytes());
        }
        out.extend(&self.pool);
        for number in [
            self.access,
            self.this,
            self.parent,
            self.interfaces.len() as u16,
        ] {
            out.extend(number.to_be_bytes());
        }
        for index in &self.interfaces {
            out.extend(index.to_be_bytes());
        }
        out.extend((self.fields.len() as u16).to_be_bytes());
        for (name, descriptor) in &self.fields {
            for number in [1, *name, *descriptor, 0] {
                out.extend(number.to_be_bytes());
            }
        }
        out.extend((self.methods.len() as u16).to_be_bytes());
        for (at, (name, descriptor, value)) in (0..).zip(&self.methods) {
            let throws = self.throws.filter(|(method, ..)| *method == at);
            let attributes = 1 + u16::from(throws.is_some());
            for number in [1, *name, *descriptor, attributes, code] {
                out.extend(number.to_be_bytes());
            }
            let body: Vec<u8> = match value {
                // ldc_w, areturn
                Some(value) => [&[0x13], &value.to_be_bytes()[..], &[0xb0]].concat(),
                None => vec![0xb1],
            };
            out.extend((12 + body.len() as u32).to_be_bytes());
            out.extend([0, 1, 0, 1]);
            out.extend((body.len() as u32).to_be_bytes());
            out.extend(body);
            out.extend([0, 0, 0, 0]);
            if let Some((_, attribute, class)) = throws {
                for number in [attribute, 0, 4, 1, class] {
                    out.extend(number.to_be_bytes());
                }
            }
        }
        out.extend(u16::from(self.nests.is_some()).to_be_bytes());
        if let Some((attribute, class)) = self.nests {
            // One row: the class, where it is, its simple name (none), its flags.
            for number in [attribute, 0, 10, 1, class, self.this, 0, 0x19] {
                out.extend(number.to_be_bytes());
            }
        }
        out
    }
}
