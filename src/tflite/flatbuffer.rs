//! Bytes of a FlatBuffer → tables, vectors, strings.
//!
//! Nothing is trusted: every position is checked before it is read, and what a file may make us
//! read in total is bounded by its length, so that tables which point at the same bytes over and
//! over cost the file's author more than us.

use crate::error::{Error, Result};
use std::cell::Cell;
use std::marker::PhantomData;

/// How many times over a file may be read. An honest file is read once, or a few times where
/// operators share tensors.
const READS: usize = 8;

/// What may be read of any file, however short, in bytes.
const READ_FLOOR: usize = 1 << 16;

/// A file's bytes, and how many of them may still be read.
#[derive(Debug)]
pub struct File<'a> {
    bytes: &'a [u8],
    budget: Cell<usize>,
}

impl<'a> File<'a> {
    /// Checks nothing yet.
    pub fn new(bytes: &'a [u8]) -> File<'a> {
        let budget = bytes.len().saturating_mul(READS).saturating_add(READ_FLOOR);
        File { bytes, budget: Cell::new(budget) }
    }

    /// The four bytes behind the root offset that name the format.
    pub fn identifier(&self) -> Option<&'a [u8]> {
        self.bytes.get(4..8)
    }

    /// The table that everything else hangs from.
    pub fn root(&self) -> Result<Table<'_>> {
        self.table_at(self.follow(0)?)
    }

    /// Bytes at an absolute position: the contents of a vector, which are charged to the budget.
    pub fn contents(&self, at: usize, len: usize) -> Result<&'a [u8]> {
        let bytes = self.peek(at, len)?;
        let left = self.budget.get().checked_sub(len).ok_or_else(|| {
            Error::limit(format!("vectors overlap: the file's bytes are read over {READS} times"))
        })?;
        self.budget.set(left);
        Ok(bytes)
    }

    /// Bytes at an absolute position: a scalar or a vtable. There are only so many of those for
    /// each table, and a table is charged by its entry in a vector of tables.
    fn peek(&self, at: usize, len: usize) -> Result<&'a [u8]> {
        let end = at.checked_add(len);
        end.and_then(|end| self.bytes.get(at..end)).ok_or_else(|| {
            let size = self.bytes.len();
            Error::malformed(format!(
                "the file ends at byte {size}, but refers to {len} bytes at {at}: is it cut off?"
            ))
        })
    }

    fn scalar<T: Scalar>(&self, at: usize) -> Result<T> {
        Ok(T::read(self.peek(at, T::SIZE)?))
    }

    /// Where the unsigned offset at `at` points to.
    fn follow(&self, at: usize) -> Result<usize> {
        let offset: u32 = self.scalar(at)?;
        at.checked_add(offset as usize)
            .filter(|&to| offset > 0 && to < self.bytes.len())
            .ok_or_else(|| Error::malformed(format!("the offset at {at} points outside the file")))
    }

    /// The vtable lies a signed distance before the table. It holds its own size, the table's
    /// size, and for each field its distance from the table's start: 16 bits each.
    fn table_at(&self, at: usize) -> Result<Table<'_>> {
        let distance: i32 = self.scalar(at)?;
        let vtable = usize::try_from(at as i64 - distance as i64)
            .map_err(|_| Error::malformed(format!("the table at {at} has no vtable")))?;
        let vtable_len: u16 = self.scalar(vtable)?;
        let table_len: u16 = self.scalar(vtable + 2)?;
        if vtable_len < 4 || table_len < 4 {
            return Err(Error::malformed(format!("the table at {at} has a broken vtable")));
        }
        let slots = self.peek(vtable, vtable_len as usize)?;
        Ok(Table { file: self, at, len: table_len as usize, slots: &slots[4..] })
    }

    /// Start and number of the elements of the vector that the offset at `at` points to.
    fn vector_at(&self, at: usize) -> Result<(usize, usize)> {
        let vector = self.follow(at)?;
        let len: u32 = self.scalar(vector)?;
        Ok((vector + 4, len as usize))
    }
}

/// A scalar field of a table: its slot, and the value it has when the file leaves it out.
#[derive(Debug, Clone, Copy)]
pub struct Field<T>(pub u16, pub T);

/// A field that holds a table, a vector or a string: its slot.
#[derive(Debug, Clone, Copy)]
pub struct Ref(pub u16);

/// A table of a file.
#[derive(Debug, Clone, Copy)]
pub struct Table<'f> {
    file: &'f File<'f>,
    at: usize,
    len: usize,
    /// The vtable behind its two sizes.
    slots: &'f [u8],
}

impl<'f> Table<'f> {
    /// Where a field lies, when the file has it, and has room for `size` bytes of it.
    fn position(&self, slot: u16, size: usize) -> Result<Option<usize>> {
        let i = 2 * slot as usize;
        let Some(&[low, high]) = self.slots.get(i..i + 2) else { return Ok(None) };
        match u16::from_le_bytes([low, high]) as usize {
            0 => Ok(None),
            offset if offset >= 4 && offset + size <= self.len => Ok(Some(self.at + offset)),
            _ => Err(Error::malformed(format!(
                "field {slot} of the table at {} lies outside of it",
                self.at
            ))),
        }
    }

    /// A scalar.
    pub fn get<T: Scalar>(&self, field: Field<T>) -> Result<T> {
        match self.position(field.0, T::SIZE)? {
            Some(at) => self.file.scalar(at),
            None => Ok(field.1),
        }
    }

    /// A table inside this one.
    pub fn table(&self, field: Ref) -> Result<Option<Table<'f>>> {
        match self.position(field.0, 4)? {
            Some(at) => Ok(Some(self.file.table_at(self.file.follow(at)?)?)),
            None => Ok(None),
        }
    }

    /// A vector of scalars: `None` when it is left out, which is not the same as empty.
    pub fn vector<T: Scalar>(&self, field: Ref) -> Result<Option<Scalars<'f, T>>> {
        let Some(at) = self.position(field.0, 4)? else { return Ok(None) };
        let (start, len) = self.file.vector_at(at)?;
        // The product may pass 32 bits; nothing is as long as the address space.
        let size = len.saturating_mul(T::SIZE);
        Ok(Some(Scalars { bytes: self.file.contents(start, size)?, of: PhantomData }))
    }

    /// A vector of bytes.
    pub fn bytes(&self, field: Ref) -> Result<Option<&'f [u8]>> {
        Ok(self.vector::<u8>(field)?.map(|v| v.bytes))
    }

    /// A string for people: whatever is no UTF-8 or would break a line is replaced, and at most
    /// [`MAX_NAME`] characters are kept. Empty when left out.
    pub fn text(&self, field: Ref) -> Result<String> {
        let bytes = self.bytes(field)?.unwrap_or_default();
        let clean = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
        Ok(String::from_utf8_lossy(bytes).chars().take(MAX_NAME).map(clean).collect())
    }

    /// A vector of tables, empty when left out.
    pub fn tables(&self, field: Ref) -> Result<Tables<'f>> {
        let Some(at) = self.position(field.0, 4)? else {
            return Ok(Tables { file: self.file, start: 0, len: 0 });
        };
        let (start, len) = self.file.vector_at(at)?;
        // Charges for the offsets, so that a length alone makes nobody allocate.
        self.file.contents(start, len.saturating_mul(4))?;
        Ok(Tables { file: self.file, start, len })
    }
}

/// Longest string kept, in characters. Converters join the names of fused layers, which makes some
/// hundreds.
pub const MAX_NAME: usize = 1024;

/// A vector of scalars inside a file.
#[derive(Debug, Clone, Copy)]
pub struct Scalars<'f, T> {
    bytes: &'f [u8],
    of: PhantomData<T>,
}

impl<'f, T: Scalar + 'f> Scalars<'f, T> {
    /// Number of elements.
    pub fn len(&self) -> usize {
        self.bytes.len() / T::SIZE
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// All elements in order.
    pub fn iter(&self) -> impl Iterator<Item = T> + 'f {
        self.bytes.chunks_exact(T::SIZE).map(T::read)
    }
}

/// A vector of tables inside a file.
#[derive(Debug, Clone, Copy)]
pub struct Tables<'f> {
    file: &'f File<'f>,
    start: usize,
    len: usize,
}

impl<'f> Tables<'f> {
    /// Number of tables.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no table.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Where the offset of the first table lies.
    #[cfg(test)]
    pub fn position(&self) -> usize {
        self.start
    }

    /// The table at `index`, when the vector is that long.
    pub fn get(&self, index: usize) -> Result<Option<Table<'f>>> {
        if index >= self.len {
            return Ok(None);
        }
        self.file.table_at(self.file.follow(self.start + 4 * index)?).map(Some)
    }

    /// All tables in order.
    pub fn iter(&self) -> impl Iterator<Item = Result<Table<'f>>> + use<'f> {
        let Tables { file, start, len } = *self;
        (0..len).map(move |i| file.table_at(file.follow(start + 4 * i)?))
    }
}

/// Little-endian numbers of a fixed size.
pub trait Scalar: Copy {
    /// Bytes of one.
    const SIZE: usize;

    /// Reads `SIZE` bytes.
    fn read(bytes: &[u8]) -> Self;

    /// Appends `SIZE` bytes.
    fn write(self, out: &mut Vec<u8>);
}

macro_rules! scalars {
    ($($t:ty),*) => {$(
        impl Scalar for $t {
            const SIZE: usize = size_of::<$t>();

            fn read(bytes: &[u8]) -> $t {
                let mut raw = [0; size_of::<$t>()];
                raw.copy_from_slice(bytes);
                <$t>::from_le_bytes(raw)
            }

            fn write(self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }
        }
    )*};
}

scalars!(u8, i8, u16, i16, u32, i32, u64, i64, f32);

impl Scalar for bool {
    const SIZE: usize = 1;

    fn read(bytes: &[u8]) -> bool {
        bytes[0] != 0
    }

    fn write(self, out: &mut Vec<u8>) {
        out.push(self as u8);
    }
}
