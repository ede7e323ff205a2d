//! HyperLogLog with a sparse form: exact hashes while they are few, registers after that.

/// Registers are addressed by this many bits of the hash: 4,096 registers, a standard error of 1.04/√4096 = 1.6 %.
const PRECISION: u32 = 12;

/// Number of registers.
const REGISTERS: usize = 1 << PRECISION;

/// Bits of a hash that a register's rank is counted in.
const RANK_BITS: u32 = 64 - PRECISION;

/// Distinct hashes that are kept as they are; counting is exact up to here (but for colliding 64-bit hashes).
const SPARSE_MAX: usize = 512;

/// Tags of the encoded forms.
const SPARSE_TAG: u8 = 0;
const DENSE_TAG: u8 = 1;

/// Counts distinct 64-bit hashes.
#[derive(Debug, Clone, PartialEq)]
pub enum Sketch {
    /// Sorted distinct hashes, then up to as many unsorted ones.
    Sparse {
        /// The hashes; the first `sorted` are sorted and distinct.
        hashes: Vec<u64>,
        /// How many are sorted.
        sorted: usize,
    },
    /// One rank a register (Flajolet et al., 2007).
    Dense(Box<[u8; REGISTERS]>),
}

impl Default for Sketch {
    fn default() -> Self {
        Sketch::Sparse { hashes: Vec::new(), sorted: 0 }
    }
}

impl Sketch {
    /// Takes in a hash.
    pub fn insert(&mut self, hash: u64) {
        match self {
            Sketch::Dense(registers) => insert_dense(registers, hash),
            Sketch::Sparse { hashes, sorted } => {
                if hashes.last() == Some(&hash) {
                    return;
                }
                hashes.push(hash);
                // Sorted whenever it has doubled, so that a hash is sorted a few times only, however many come.
                if hashes.len() >= 2 * (*sorted).max(8) {
                    self.tidy();
                }
            }
        }
    }

    /// Takes in all that another sketch has seen.
    pub fn merge(&mut self, other: &Sketch) {
        match other {
            Sketch::Sparse { hashes, .. } => hashes.iter().for_each(|hash| self.insert(*hash)),
            Sketch::Dense(theirs) => {
                let ours = self.make_dense();
                for (ours, theirs) in ours.iter_mut().zip(theirs.iter()) {
                    *ours = (*ours).max(*theirs);
                }
            }
        }
    }

    /// The estimated number of distinct hashes: exact while sparse, else Ertl's improved estimator (arXiv:1702.01284, algorithm 6).
    pub fn estimate(&mut self) -> u64 {
        self.tidy();
        match self {
            Sketch::Sparse { hashes, .. } => hashes.len() as u64,
            Sketch::Dense(registers) => estimate_dense(registers),
        }
    }

    /// Encodes the sketch; the same content gives the same bytes.
    pub fn encode(&mut self) -> Vec<u8> {
        self.tidy();
        match self {
            Sketch::Sparse { hashes, .. } => {
                let mut bytes = Vec::with_capacity(1 + hashes.len() * 8);
                bytes.push(SPARSE_TAG);
                hashes.iter().for_each(|hash| bytes.extend_from_slice(&hash.to_le_bytes()));
                bytes
            }
            Sketch::Dense(registers) => {
                let mut bytes = Vec::with_capacity(1 + REGISTERS);
                bytes.push(DENSE_TAG);
                bytes.extend_from_slice(registers.as_slice());
                bytes
            }
        }
    }

    /// Decodes a sketch; `None` if the bytes are not one.
    pub fn decode(bytes: &[u8]) -> Option<Sketch> {
        let (tag, body) = bytes.split_first()?;
        match *tag {
            SPARSE_TAG if body.len() % 8 == 0 => {
                let hashes: Vec<u64> =
                    body.chunks_exact(8).filter_map(|chunk| chunk.try_into().ok().map(u64::from_le_bytes)).collect();
                let sorted = hashes.len();
                Some(Sketch::Sparse { hashes, sorted })
            }
            DENSE_TAG => Some(Sketch::Dense(Box::new(body.try_into().ok()?))),
            _ => None,
        }
    }

    /// Memory it takes besides itself, bytes.
    pub fn heap_bytes(&self) -> usize {
        match self {
            Sketch::Sparse { hashes, .. } => hashes.capacity() * 8,
            Sketch::Dense(_) => REGISTERS,
        }
    }

    /// Sorts and dedups the sparse form, and goes dense when it has become too large.
    fn tidy(&mut self) {
        if let Sketch::Sparse { hashes, sorted } = self {
            if *sorted < hashes.len() {
                hashes.sort_unstable();
                hashes.dedup();
                *sorted = hashes.len();
            }
            if hashes.len() > SPARSE_MAX {
                self.make_dense();
            }
        }
    }

    fn make_dense(&mut self) -> &mut [u8; REGISTERS] {
        if let Sketch::Sparse { hashes, .. } = self {
            let mut registers = Box::new([0_u8; REGISTERS]);
            hashes.iter().for_each(|hash| insert_dense(&mut registers, *hash));
            *self = Sketch::Dense(registers);
        }
        match self {
            Sketch::Dense(registers) => registers,
            Sketch::Sparse { .. } => unreachable!("made dense above"),
        }
    }
}

fn insert_dense(registers: &mut [u8; REGISTERS], hash: u64) {
    let register = (hash >> RANK_BITS) as usize;
    let rank = ((hash << PRECISION).leading_zeros().min(RANK_BITS) + 1) as u8;
    if registers[register] < rank {
        registers[register] = rank;
    }
}

fn estimate_dense(registers: &[u8; REGISTERS]) -> u64 {
    let mut counts = [0_u32; RANK_BITS as usize + 2];
    registers.iter().for_each(|rank| counts[usize::from(*rank).min(RANK_BITS as usize + 1)] += 1);
    let m = REGISTERS as f64;
    let mut z = m * tau((m - f64::from(counts[RANK_BITS as usize + 1])) / m);
    for count in counts[1..=RANK_BITS as usize].iter().rev() {
        z = 0.5 * (z + f64::from(*count));
    }
    z += m * sigma(f64::from(counts[0]) / m);
    (m * m / (2.0 * std::f64::consts::LN_2 * z)).round() as u64
}

fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut z) = (1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if z == before {
            return z;
        }
    }
}

fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x) * (1.0 - x) * y;
        if z == before {
            return z / 3.0;
        }
    }
}

#[cfg(test)]
mod tests;
