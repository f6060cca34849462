//! Choices read from a list of numbers; past its end every choice is the first one.

pub struct Dice<'c> {
    choices: &'c [u16],
    at: usize,
    /// Whether kustomizations get charts.
    pub charts: bool,
    /// Kind, `apiVersion`, name and namespace of the objects made so far.
    known: Vec<Object>,
}

#[derive(Clone, Debug)]
pub struct Object {
    pub kind: String,
    pub version: String,
    pub name: String,
    pub namespace: String,
}

impl<'c> Dice<'c> {
    pub fn new(choices: &'c [u16]) -> Self {
        Self {
            choices,
            at: 0,
            charts: false,
            known: Vec::new(),
        }
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        let choice = self.choices.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        usize::from(choice) % limit.max(1)
    }

    pub fn remember(&mut self, kind: &str, version: &str, name: &str, namespace: &str) {
        let own = str::to_owned;
        let object = Object {
            kind: own(kind),
            version: own(version),
            name: own(name),
            namespace: own(namespace),
        };
        self.known.push(object);
    }

    /// Whether there is such an object, unless the choices have run out.
    pub fn knows(&self, kind: &str, name: &str) -> bool {
        self.at < self.choices.len()
            && self
                .known
                .iter()
                .any(|object| object.kind == kind && object.name == name)
    }

    /// An object that is there, mostly.
    pub fn object(&mut self) -> Option<Object> {
        if self.known.is_empty() || self.once_in(40) {
            return None;
        }
        let at = self.below(self.known.len());
        self.known.get(at).cloned()
    }

    /// An object of a kind that is there, if any is.
    pub fn object_of(&mut self, kind: &str) -> Option<Object> {
        let of: Vec<Object> = self
            .known
            .iter()
            .filter(|object| object.kind == kind)
            .cloned()
            .collect();
        if of.is_empty() || self.once_in(40) {
            return None;
        }
        Some(of[self.below(of.len())].clone())
    }

    /// True once in `times`; false is the first choice.
    pub fn once_in(&mut self, times: usize) -> bool {
        times > 0 && self.below(times) == times - 1
    }

    pub fn pick<'p, T: ?Sized>(&mut self, from: &[&'p T]) -> &'p T {
        from[self.below(from.len())]
    }

    /// How many of something, mostly few.
    pub fn few(&mut self, most: usize) -> usize {
        let roll = self.below(most + 1);
        roll.min(most)
    }
}

/// A generator of choices from a seed (xorshift).
pub struct Seed(u64);

impl Seed {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn choices(&mut self, count: usize) -> Vec<u16> {
        (0..count).map(|_| (self.next() >> 24) as u16).collect()
    }
}
