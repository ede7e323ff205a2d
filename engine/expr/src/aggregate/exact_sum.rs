//! A sum of doubles that is not rounded before it is asked for: it is the same whatever the order of the values, and however
//! they were added up in parts.

mod wide;

use wide::WideSum;

/// Says of the bytes beside a sum what they are: parts that an older engine kept, or a wide sum.
const PARTS: u8 = 0;
const WIDE: u8 = 1;

/// The exact sum of doubles.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ExactSum(Form);

#[derive(Debug, Clone, Default, PartialEq)]
enum Form {
    /// No value yet.
    #[default]
    Empty,
    /// `high + low`, without an error. Nearly every sum fits: 106 bits are the width of a double twice.
    Pair { high: f64, low: f64 },
    /// What does not fit into two doubles.
    Wide(Box<WideSum>),
    /// Sums of an engine that rounded, in the order in which they were made, and nothing since. What that engine showed is their
    /// sum rounded at each step, so that is their value until there is a new one: rows that it emitted are retracted as they were.
    Parts(Box<[f64]>),
}

/// A sum as it is kept in a state.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptSum {
    /// The sum, rounded; alone it is what an older engine kept.
    pub high: f64,
    /// What is left of it; `None` if an older engine made it.
    pub low: Option<f64>,
    /// What two doubles cannot hold.
    pub rest: Option<Vec<u8>>,
}

/// The sum of two doubles, rounded, and what the rounding took away (Knuth). The second is NaN if the first overflows.
#[inline]
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let rounded_b = sum - a;
    (sum, (a - (sum - rounded_b)) + (b - rounded_b))
}

impl ExactSum {
    /// True if no value was added.
    pub fn is_empty(&self) -> bool {
        self.0 == Form::Empty
    }

    /// Adds a value.
    #[inline]
    pub fn add(&mut self, value: f64) {
        if !self.add_quickly(value) {
            self.add_slowly(value);
        }
    }

    /// Adds a value if that is done by the two doubles that hold the sum; false if it was not added.
    #[inline]
    pub fn add_quickly(&mut self, value: f64) -> bool {
        let Form::Pair { high, low } = &mut self.0 else { return false };
        let (sum, error) = two_sum(*high, value);
        let (errors, lost) = two_sum(*low, error);
        let is_exact = lost == 0.0;
        if is_exact {
            (*high, *low) = (sum, errors);
        }
        is_exact
    }

    /// Takes a value out that was added.
    pub fn subtract(&mut self, value: f64) {
        match value.is_finite() {
            true => self.add(-value),
            false => self.widely(|wide| wide.add_special(value, -1)),
        }
    }

    /// Adds a value that could not be added quickly.
    pub fn add_slowly(&mut self, value: f64) {
        match &mut self.0 {
            Form::Empty if value.is_finite() => self.0 = Form::Pair { high: 0.0 + value, low: 0.0 },
            Form::Pair { high, low } => {
                // Once more, the small ones first.
                let (small, rest) = two_sum(*low, value);
                let (sum, small) = two_sum(*high, small);
                let (errors, lost) = two_sum(small, rest);
                match lost == 0.0 && sum.is_finite() {
                    true => (*high, *low) = (sum, errors),
                    false => self.widely(|wide| wide.add(value)),
                }
            }
            Form::Parts(parts) => {
                // No longer alone: from here on they are added up exactly.
                let parts = std::mem::take(parts);
                self.0 = Form::Empty;
                parts.iter().chain([&value]).for_each(|part| self.add(*part));
            }
            Form::Empty | Form::Wide(_) => self.widely(|wide| wide.add(value)),
        }
    }

    /// Changes the sum as a wide one.
    fn widely(&mut self, change: impl FnOnce(&mut WideSum)) {
        let mut wide = match std::mem::take(&mut self.0) {
            Form::Wide(wide) => wide,
            Form::Empty => Box::default(),
            Form::Pair { high, low } => Box::new(WideSum::of(&[high, low])),
            Form::Parts(parts) => Box::new(WideSum::of(&parts)),
        };
        change(&mut wide);
        self.0 = Form::Wide(wide);
    }

    /// The sum, rounded once; `None` of no values.
    pub fn value(&self) -> Option<f64> {
        match &self.0 {
            Form::Empty => None,
            Form::Pair { high, low } => Some(high + low),
            Form::Wide(wide) => Some(wide.round()),
            Form::Parts(parts) => Some(rounded_at_each_step(parts)),
        }
    }

    /// Adds all values of another sum.
    pub fn merge(&mut self, other: ExactSum) {
        if let (Form::Parts(parts), Form::Parts(others)) = (&mut self.0, &other.0) {
            *parts = parts.iter().chain(others.iter()).copied().collect();
            return;
        }
        if self.is_empty() {
            return *self = other;
        }
        match other.0 {
            Form::Empty => {}
            Form::Pair { high, low } => [high, low].into_iter().for_each(|part| self.add(part)),
            Form::Wide(wide) => self.widely(|own| own.merge(&wide)),
            Form::Parts(parts) => parts.iter().for_each(|part| self.add(*part)),
        }
    }

    /// The sum as it is kept: the same for the same sum, however it came about. `None` of no values.
    pub fn keep(&self) -> Option<KeptSum> {
        Some(match &self.0 {
            Form::Empty => return None,
            Form::Pair { high, low } => {
                let (high, low) = two_sum(*high, *low);
                KeptSum { high, low: Some(low), rest: None }
            }
            Form::Wide(wide) => match wide.pair() {
                Some((high, low)) => KeptSum { high, low: Some(low), rest: None },
                None => KeptSum { high: wide.round(), low: Some(0.0), rest: Some(tagged(WIDE, wide.encode())) },
            },
            Form::Parts(parts) => match &**parts {
                [one] => KeptSum { high: *one, low: None, rest: None },
                parts => {
                    let bytes = parts.iter().flat_map(|part| part.to_le_bytes()).collect();
                    KeptSum { high: rounded_at_each_step(parts), low: None, rest: Some(tagged(PARTS, bytes)) }
                }
            },
        })
    }

    /// A sum that was kept; `None` if the bytes are of none.
    pub fn restore(high: f64, low: Option<f64>, rest: Option<&[u8]>) -> Option<ExactSum> {
        Some(ExactSum(match (low, rest.map(<[u8]>::split_first)) {
            (Some(low), None) => Form::Pair { high, low },
            (None, None) => Form::Parts(Box::new([high])),
            (_, Some(Some((&WIDE, bytes)))) => Form::Wide(Box::new(WideSum::decode(bytes)?)),
            (_, Some(Some((&PARTS, bytes)))) => {
                let (parts, left) = bytes.as_chunks::<8>();
                match left.is_empty() {
                    true => Form::Parts(parts.iter().map(|part| f64::from_le_bytes(*part)).collect()),
                    false => return None,
                }
            }
            (_, Some(_)) => return None,
        }))
    }

    /// Memory that it takes beside its own size, bytes.
    pub fn heap_bytes(&self) -> usize {
        match &self.0 {
            Form::Empty | Form::Pair { .. } => 0,
            Form::Wide(_) => size_of::<WideSum>(),
            Form::Parts(parts) => size_of_val::<[f64]>(parts),
        }
    }
}

fn rounded_at_each_step(parts: &[f64]) -> f64 {
    parts.iter().fold(0.0, |sum, part| sum + part)
}

fn tagged(tag: u8, bytes: Vec<u8>) -> Vec<u8> {
    std::iter::once(tag).chain(bytes).collect()
}

#[cfg(test)]
mod tests;
