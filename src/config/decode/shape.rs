//! What a mapping in a configuration file may hold. The reader refuses what is not declared here,
//! and the reference pages are made from it, so that neither can say more than the other.

/// A mapping with named fields.
#[derive(Debug)]
pub struct Shape {
    /// What a person calls it, with an article: `a phase`.
    pub name: &'static str,
    /// Heading of its section in the reference: `Phase`.
    pub title: &'static str,
    /// What it is for, in Markdown.
    pub about: &'static str,
    /// Its fields, in the order to write them.
    pub fields: &'static [Field],
    /// Fields of which exactly one must be given.
    pub one_of: &'static [&'static str],
    /// A complete example in YAML.
    pub example: &'static str,
}

/// One field of a [`Shape`].
#[derive(Debug)]
pub struct Field {
    /// Its key.
    pub name: &'static str,
    /// What it holds.
    pub holds: Type,
    /// Whether it must be there, and what stands in for it.
    pub need: Need,
    /// What it is for, in Markdown.
    pub about: &'static str,
    /// Whether the feature is there. A field whose feature is not is checked all the same, and its
    /// use is an error.
    pub built: bool,
}

impl Field {
    pub(crate) const fn required(name: &'static str, holds: Type, about: &'static str) -> Self {
        Self {
            name,
            holds,
            need: Need::Required,
            about,
            built: true,
        }
    }

    pub(crate) const fn optional(name: &'static str, holds: Type, about: &'static str) -> Self {
        Self {
            name,
            holds,
            need: Need::Optional,
            about,
            built: true,
        }
    }

    /// A field with a value that stands in for it, as written in YAML.
    pub(crate) const fn default(
        name: &'static str,
        holds: Type,
        value: &'static str,
        about: &'static str,
    ) -> Self {
        Self {
            name,
            holds,
            need: Need::Default(value),
            about,
            built: true,
        }
    }

    pub(crate) const fn not_built(mut self) -> Self {
        self.built = false;
        self
    }
}

/// Whether a field must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Its absence is an error.
    Required,
    /// It may be left out.
    Optional,
    /// It may be left out; this YAML says the same.
    Default(&'static str),
}

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub enum Type {
    /// Text, as described.
    Text(&'static str),
    /// A path inside the repository.
    Path,
    /// `true` or `false`.
    Bool,
    /// A span of time such as `1m30s`.
    Duration,
    /// A whole number, as described.
    Count(&'static str),
    /// One of these words.
    Words(&'static [&'static str]),
    /// Exactly this word.
    Word(&'static str),
    /// A list.
    List(&'static Self),
    /// A mapping from names to values.
    Map(&'static Self),
    /// A mapping with named fields.
    Shape(&'static Shape),
    /// Text, a number or a boolean.
    Scalar,
    /// Whatever is written.
    Any,
    /// The first or the second.
    Either(&'static Self, &'static Self),
}

impl Shape {
    /// The field of this name.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// This shape and all it refers to, each once, in the order of their first mention.
    pub fn all(&'static self) -> Vec<&'static Self> {
        let mut found = vec![self];
        let mut next = 0;
        while let Some(shape) = found.get(next).copied() {
            for field in shape.fields {
                field.holds.shapes(&mut |inner| {
                    if !found.iter().any(|known| std::ptr::eq(*known, inner)) {
                        found.push(inner);
                    }
                });
            }
            next += 1;
        }
        found
    }
}

impl Type {
    fn shapes(&self, visit: &mut dyn FnMut(&'static Shape)) {
        match self {
            Self::Shape(shape) => visit(shape),
            Self::List(inner) | Self::Map(inner) => inner.shapes(visit),
            Self::Either(one, other) => {
                one.shapes(visit);
                other.shapes(visit);
            }
            _ => {}
        }
    }
}
