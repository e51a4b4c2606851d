//! Tables, vectors, strings → bytes of a FlatBuffer: the other direction of
//! [`flatbuffer`](super::flatbuffer), over the same field definitions.
//!
//! A table is a value that owns what it contains, so a file is written as one expression. Parents
//! come before their children in the file, and nothing is shared.

use super::flatbuffer::{Field, Ref, Scalar};

/// A table to be written.
#[derive(Debug, Clone, Default)]
pub struct Table(Vec<(u16, Value)>);

#[derive(Debug, Clone)]
enum Value {
    /// Little-endian bytes; as many as they must be aligned to.
    Scalar(Vec<u8>),
    Table(Table),
    Tables(Vec<Table>),
    /// Elements: their number, their bytes, and what these must be aligned to.
    Vector(usize, Vec<u8>, usize),
    Text(String),
}

impl Table {
    /// A table without any field.
    pub fn new() -> Table {
        Table::default()
    }

    /// Sets a scalar, even to its default.
    pub fn set<T: Scalar>(self, field: Field<T>, value: T) -> Table {
        let mut bytes = Vec::new();
        value.write(&mut bytes);
        self.with(field.0, Value::Scalar(bytes))
    }

    /// Sets a table.
    pub fn table(self, field: Ref, table: Table) -> Table {
        self.with(field.0, Value::Table(table))
    }

    /// Sets a vector of tables.
    pub fn tables(self, field: Ref, tables: impl IntoIterator<Item = Table>) -> Table {
        self.with(field.0, Value::Tables(tables.into_iter().collect()))
    }

    /// Sets a vector of scalars.
    pub fn vector<T: Scalar>(self, field: Ref, elements: &[T]) -> Table {
        let mut bytes = Vec::with_capacity(elements.len() * T::SIZE);
        for &element in elements {
            element.write(&mut bytes);
        }
        self.with(field.0, Value::Vector(elements.len(), bytes, T::SIZE))
    }

    /// Sets a vector of bytes, aligned to 16 as TFLite wants the data of its buffers.
    pub fn bytes(self, field: Ref, bytes: &[u8]) -> Table {
        self.with(field.0, Value::Vector(bytes.len(), bytes.to_vec(), 16))
    }

    /// Sets a string.
    pub fn text(self, field: Ref, text: &str) -> Table {
        self.with(field.0, Value::Text(text.to_string()))
    }

    fn with(mut self, slot: u16, value: Value) -> Table {
        self.0.retain(|field| field.0 != slot);
        self.0.push((slot, value));
        self
    }
}

/// The file whose root is `root`.
pub fn finish(root: &Table, identifier: &[u8; 4]) -> Vec<u8> {
    let mut out = vec![0; 4];
    out.extend_from_slice(identifier);
    write_table(&mut out, root, 0);
    out
}

/// Appends zeros until `ahead` bytes further on is a multiple of `to`.
fn align(out: &mut Vec<u8>, to: usize, ahead: usize) {
    while !(out.len() + ahead).is_multiple_of(to) {
        out.push(0);
    }
}

/// Lets the offset at `from` point at the end of `out`.
fn point_here(out: &mut [u8], from: usize) {
    let distance = (out.len() - from) as u32;
    out[from..from + 4].copy_from_slice(&distance.to_le_bytes());
}

/// Appends a table and what it contains; the offset at `from` gets to point at it.
fn write_table(out: &mut Vec<u8>, table: &Table, from: usize) {
    let Table(fields) = table;
    let slots = fields.iter().map(|f| f.0 as usize + 1).max().unwrap_or(0);
    align(out, 2, 0);
    let vtable = out.len();
    out.resize(vtable + 4 + 2 * slots, 0);

    align(out, 8, 0);
    point_here(out, from);
    let start = out.len();
    out.extend_from_slice(&((start - vtable) as i32).to_le_bytes());
    let mut children = Vec::new();
    for (slot, value) in fields {
        let inline = match value {
            Value::Scalar(bytes) => bytes,
            _ => &vec![0; 4],
        };
        align(out, inline.len(), 0);
        let at = out.len();
        let entry = vtable + 4 + 2 * *slot as usize;
        out[entry..entry + 2].copy_from_slice(&((at - start) as u16).to_le_bytes());
        out.extend_from_slice(inline);
        children.push((at, value));
    }
    let len = (out.len() - start) as u16;
    out[vtable..vtable + 2].copy_from_slice(&((4 + 2 * slots) as u16).to_le_bytes());
    out[vtable + 2..vtable + 4].copy_from_slice(&len.to_le_bytes());

    for (at, value) in children {
        write_value(out, value, at);
    }
}

/// Appends what the offset at `from` points at.
fn write_value(out: &mut Vec<u8>, value: &Value, from: usize) {
    match value {
        Value::Scalar(_) => {}
        Value::Table(table) => write_table(out, table, from),
        Value::Tables(tables) => {
            align(out, 4, 0);
            point_here(out, from);
            (tables.len() as u32).write(out);
            let first = out.len();
            out.resize(first + 4 * tables.len(), 0);
            for (i, table) in tables.iter().enumerate() {
                write_table(out, table, first + 4 * i);
            }
        }
        Value::Vector(len, bytes, alignment) => {
            align(out, (*alignment).max(4), 4);
            point_here(out, from);
            (*len as u32).write(out);
            out.extend_from_slice(bytes);
        }
        Value::Text(text) => {
            align(out, 4, 0);
            point_here(out, from);
            (text.len() as u32).write(out);
            out.extend_from_slice(text.as_bytes());
            // The format ends strings with a zero that does not count.
            out.push(0);
        }
    }
}
