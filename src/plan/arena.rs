//! Where each buffer lies: one block of memory, shared by buffers that are never needed at the
//! same time.
//!
//! Greedy by size (Pisarchyk and Lee, arXiv 2001.03288): the largest buffer first, each at the
//! lowest offset where it meets no buffer of an overlapping lifetime.

#![forbid(unsafe_code)]

use crate::error::{Error, Result};
use std::fmt;

/// Every offset is a multiple of this: a cache line, so that threads never share one.
pub const ALIGNMENT: usize = 64;

/// No arena is larger: what a 32-bit address space can hold beside everything else.
pub const MAX_ARENA_BYTES: usize = 1 << 30;

/// More buffers than this are not placed: that takes time with the square of their number.
const MAX_BUFFERS: usize = 1 << 15;

/// What is said of a model whose arena would be larger.
pub fn too_large() -> Error {
    let mib = MAX_ARENA_BYTES >> 20;
    Error::limit(format!("the model needs more than {mib} MiB for its activations"))
}

/// A buffer: its size, and the first and last step that need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buffer {
    /// Size in bytes.
    pub bytes: usize,
    /// The step that writes it first; 0 for the model's inputs.
    pub first: usize,
    /// The last step that reads it, or `usize::MAX` to keep it.
    pub last: usize,
    /// What it holds, for people.
    pub label: String,
}

impl Buffer {
    fn lives_with(&self, other: &Buffer) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

/// Buffers with their places.
#[derive(Debug, Clone, Default)]
pub struct Arena {
    /// All buffers.
    pub buffers: Vec<Buffer>,
    /// Offset of each buffer in bytes.
    pub offsets: Vec<usize>,
    /// Size of the whole block.
    pub bytes: usize,
}

impl Arena {
    /// Finds a place for every buffer.
    pub fn place(buffers: Vec<Buffer>) -> Result<Arena> {
        if buffers.len() > MAX_BUFFERS {
            let count = buffers.len();
            return Err(Error::limit(format!(
                "the model needs {count} buffers for its activations"
            )));
        }
        let mut order: Vec<usize> = (0..buffers.len()).collect();
        order.sort_by_key(|&i| (std::cmp::Reverse(buffers[i].bytes), buffers[i].first, i));
        let mut offsets = vec![0; buffers.len()];
        let mut placed: Vec<usize> = Vec::new(); // by offset
        let mut total = 0;
        for i in order {
            let size = buffers[i].bytes.next_multiple_of(ALIGNMENT);
            let mut offset = 0;
            for &other in &placed {
                if buffers[i].lives_with(&buffers[other]) {
                    if offset + size <= offsets[other] {
                        break;
                    }
                    let end = offsets[other] + buffers[other].bytes.next_multiple_of(ALIGNMENT);
                    offset = offset.max(end);
                }
            }
            if offset + size > MAX_ARENA_BYTES {
                return Err(too_large());
            }
            offsets[i] = offset;
            total = total.max(offset + size);
            let at = placed.partition_point(|&p| offsets[p] <= offset);
            placed.insert(at, i);
        }
        let arena = Arena { buffers, offsets, bytes: total };
        arena.check();
        Ok(arena)
    }

    /// Panics when two buffers that are needed at the same time overlap: unsafe code relies on it.
    fn check(&self) {
        for (i, a) in self.buffers.iter().enumerate() {
            assert!(
                self.offsets[i].is_multiple_of(ALIGNMENT)
                    && self.offsets[i] + a.bytes <= self.bytes
            );
            for (j, b) in self.buffers.iter().enumerate().skip(i + 1) {
                let apart = self.offsets[i] + a.bytes <= self.offsets[j]
                    || self.offsets[j] + b.bytes <= self.offsets[i];
                assert!(apart || !a.lives_with(b), "'{}' and '{}' overlap", a.label, b.label);
            }
        }
    }

    /// What all buffers would take side by side.
    pub fn unshared_bytes(&self) -> usize {
        self.buffers.iter().map(|b| b.bytes.next_multiple_of(ALIGNMENT)).sum()
    }
}

impl fmt::Display for Arena {
    /// One line per buffer in order of offset, then a picture: memory across, steps down, a mark
    /// where a buffer is needed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "arena: {} bytes ({} unshared)", self.bytes, self.unshared_bytes())?;
        let mut order: Vec<usize> = (0..self.buffers.len()).collect();
        order.sort_by_key(|&i| (self.offsets[i], self.buffers[i].first));
        for &i in &order {
            let b = &self.buffers[i];
            let last = if b.last == usize::MAX { "end".into() } else { b.last.to_string() };
            writeln!(
                f,
                "  {:>10} + {:>9}  steps {:>3} to {:>3}  {}",
                self.offsets[i], b.bytes, b.first, last, b.label
            )?;
        }
        const COLUMNS: usize = 80;
        let steps = self.buffers.iter().map(|b| b.first).max().map_or(0, |s| s + 1);
        let column = |offset: usize| offset * COLUMNS / self.bytes.max(1);
        for step in 0..steps {
            let mut row = [b'.'; COLUMNS];
            for &i in order.iter().filter(|&&i| {
                let b = &self.buffers[i];
                b.bytes > 0 && (b.first..=b.last).contains(&step)
            }) {
                let end = column(self.offsets[i] + self.buffers[i].bytes - 1);
                row[column(self.offsets[i])..=end].fill(b'a' + (i % 26) as u8);
            }
            writeln!(f, "  {step:>4} {}", String::from_utf8_lossy(&row))?;
        }
        Ok(())
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;

    fn buffer(bytes: usize, first: usize, last: usize) -> Buffer {
        Buffer { bytes, first, last, label: format!("{bytes} from {first} to {last}") }
    }

    #[test]
    fn buffers_of_different_times_share_memory() {
        let arena =
            Arena::place(vec![buffer(640, 0, 1), buffer(64, 1, 2), buffer(640, 2, 3)]).unwrap();
        assert_eq!(arena.offsets, [0, 640, 0]);
        assert_eq!(arena.bytes, 704);
        assert_eq!(arena.unshared_bytes(), 1344);
    }

    #[test]
    fn a_gap_is_filled() {
        let arena = Arena::place(vec![
            buffer(256, 0, 9),
            buffer(192, 0, 3),
            buffer(128, 3, 9),
            buffer(64, 4, 9),
        ])
        .unwrap();
        assert_eq!(arena.offsets, [0, 256, 448, 256]);
    }

    proptest::proptest! {
        #[test]
        fn nothing_that_lives_together_overlaps(
            list in proptest::collection::vec((0usize..4096, 0usize..20, 0usize..20), 0..40)
        ) {
            let buffers: Vec<Buffer> =
                list.iter().map(|&(bytes, a, b)| buffer(bytes, a.min(b), a.max(b))).collect();
            let arena = Arena::place(buffers).unwrap(); // checks itself
            proptest::prop_assert!(arena.bytes <= arena.unshared_bytes());
        }
    }

    #[test]
    fn more_than_the_limit_is_an_error() {
        let b = || buffer(MAX_ARENA_BYTES / 2 + 64, 0, 1);
        assert!(Arena::place(vec![b(), b()]).is_err());
    }
}
