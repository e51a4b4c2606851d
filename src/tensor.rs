//! Data types, shapes, quantization parameters, constant data, and borrowed views.

use crate::error::{Error, Result};
pub use crate::quantization::{Grid, Halves, Quantization};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Element types a tensor of a running graph may have. The file format knows more; the reader
/// refuses those by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DType {
    /// IEEE 754 single precision.
    F32,
    /// IEEE 754 half precision, kept as its bits. Weights only: it is widened before running.
    F16,
    /// Signed bytes, most often quantized.
    I8,
    /// Unsigned bytes, most often quantized.
    U8,
    /// 16-bit integers, most often quantized.
    I16,
    /// 32-bit integers: sizes, axes, biases of quantized layers.
    I32,
    /// 64-bit integers: sizes, argmax results.
    I64,
    /// One byte each, 0 or 1.
    Bool,
}

impl DType {
    /// Bytes per element.
    pub fn size(self) -> usize {
        match self {
            DType::I8 | DType::U8 | DType::Bool => 1,
            DType::F16 | DType::I16 => 2,
            DType::F32 | DType::I32 => 4,
            DType::I64 => 8,
        }
    }

    /// The lowest and highest stored value of the types that quantized activations have: int8, uint8
    /// and int16.
    pub fn stored_range(self) -> Option<(i32, i32)> {
        match self {
            DType::I8 => Some((i8::MIN as i32, i8::MAX as i32)),
            DType::U8 => Some((0, u8::MAX as i32)),
            DType::I16 => Some((i16::MIN as i32, i16::MAX as i32)),
            DType::F32 | DType::F16 | DType::I32 | DType::I64 | DType::Bool => None,
        }
    }

    /// The name used in JavaScript, on the command line and in NumPy.
    pub fn name(self) -> &'static str {
        match self {
            DType::F32 => "float32",
            DType::F16 => "float16",
            DType::I8 => "int8",
            DType::U8 => "uint8",
            DType::I16 => "int16",
            DType::I32 => "int32",
            DType::I64 => "int64",
            DType::Bool => "bool",
        }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The extents of a tensor, outermost first: `[n, h, w, c]` for images. Rank 0 is a scalar.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Shape(Vec<usize>);

impl Shape {
    /// Checks that the number of elements fits, and so do products of some of the extents where
    /// another one is 0: every other sum over shapes may rely on it.
    pub fn new(dims: impl Into<Vec<usize>>) -> Result<Shape> {
        let dims = dims.into();
        let mut elements = 1usize;
        for &d in &dims {
            elements = elements
                .checked_mul(d.max(1))
                .filter(|&e| e <= MAX_ELEMENTS)
                .ok_or_else(|| Error::limit(format!("a tensor of shape {dims:?} is too large")))?;
        }
        Ok(Shape(dims))
    }

    /// The extents.
    pub fn dims(&self) -> &[usize] {
        &self.0
    }

    /// Number of extents.
    pub fn rank(&self) -> usize {
        self.0.len()
    }

    /// Number of elements: 1 for a scalar, 0 when any extent is 0.
    pub fn elements(&self) -> usize {
        self.0.iter().product()
    }

    /// The extents of an image tensor, `[n, h, w, c]`.
    pub fn nhwc(&self) -> Result<[usize; 4]> {
        <[usize; 4]>::try_from(self.dims())
            .map_err(|_| Error::unsupported(format!("needs a tensor of rank 4, got {self}")))
    }
}

/// No tensor has more extents than this; TFLite's own kernels stop at 8 at the latest.
pub const MAX_RANK: usize = 8;

/// No tensor has more elements than this, so element counts and byte counts fit 32 bits (wasm32).
pub const MAX_ELEMENTS: usize = 1 << 28;

impl fmt::Display for Shape {
    /// As `1x256x256x3`; a scalar prints as `scalar`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("scalar");
        }
        for (i, d) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("x")?;
            }
            write!(f, "{d}")?;
        }
        Ok(())
    }
}

/// What is known of a tensor before anything runs.
#[derive(Debug, Clone, PartialEq)]
pub struct TensorDef {
    /// The file's name of it.
    pub name: String,
    /// Extents: the file's at first, then what shape inference found.
    pub shape: Shape,
    /// Element type.
    pub dtype: DType,
    /// How stored values stand for real ones.
    pub quantization: Option<Quantization>,
    /// The elements, when they are constant. Shared, so that graphs are cheap to copy.
    pub data: Option<Arc<Data>>,
}

impl TensorDef {
    /// The elements as sizes or axes, when they are constant integers.
    pub fn const_integers(&self) -> Option<Vec<i64>> {
        self.data.as_ref()?.view().integers()
    }

    /// Whether the elements are known before anything runs.
    pub fn is_const(&self) -> bool {
        self.data.is_some()
    }
}

/// Constant data in its own type, row-major.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Data {
    F32(Vec<f32>),
    /// Bits of half floats.
    F16(Vec<u16>),
    I8(Vec<i8>),
    U8(Vec<u8>),
    I16(Vec<i16>),
    I32(Vec<i32>),
    I64(Vec<i64>),
    Bool(Vec<u8>),
}

impl Data {
    /// `elements` zeros.
    pub fn zeros(dtype: DType, elements: usize) -> Data {
        match dtype {
            DType::F32 => Data::F32(vec![0.0; elements]),
            DType::F16 => Data::F16(vec![0; elements]),
            DType::I8 => Data::I8(vec![0; elements]),
            DType::U8 => Data::U8(vec![0; elements]),
            DType::I16 => Data::I16(vec![0; elements]),
            DType::I32 => Data::I32(vec![0; elements]),
            DType::I64 => Data::I64(vec![0; elements]),
            DType::Bool => Data::Bool(vec![0; elements]),
        }
    }

    /// As many elements, the one at `i` being that at `from(i)`.
    ///
    /// # Panics
    /// When there is none.
    pub fn picked(&self, from: impl Fn(usize) -> usize) -> Data {
        macro_rules! picked {
            ($($variant:ident),*) => {
                match self {
                    $(Data::$variant(v) => {
                        Data::$variant((0..v.len()).map(|i| v[from(i)]).collect())
                    })*
                }
            };
        }
        picked!(F32, F16, I8, U8, I16, I32, I64, Bool)
    }

    /// Reads little-endian bytes; `None` when their number is no multiple of the element size.
    pub fn from_le_bytes(dtype: DType, bytes: &[u8]) -> Option<Data> {
        fn each<const N: usize, T>(bytes: &[u8], read: fn([u8; N]) -> T) -> Option<Vec<T>> {
            let (chunks, rest) = bytes.as_chunks::<N>();
            rest.is_empty().then(|| chunks.iter().map(|&c| read(c)).collect())
        }
        Some(match dtype {
            DType::F32 => Data::F32(each(bytes, f32::from_le_bytes)?),
            DType::F16 => Data::F16(each(bytes, u16::from_le_bytes)?),
            DType::I8 => Data::I8(each(bytes, i8::from_le_bytes)?),
            DType::U8 => Data::U8(bytes.to_vec()),
            DType::I16 => Data::I16(each(bytes, i16::from_le_bytes)?),
            DType::I32 => Data::I32(each(bytes, i32::from_le_bytes)?),
            DType::I64 => Data::I64(each(bytes, i64::from_le_bytes)?),
            DType::Bool => Data::Bool(bytes.iter().map(|&b| (b != 0) as u8).collect()),
        })
    }

    /// The elements as a file has them, little-endian.
    pub fn to_le_bytes(&self) -> Vec<u8> {
        fn each<const N: usize, T: Copy>(elements: &[T], write: fn(T) -> [u8; N]) -> Vec<u8> {
            elements.iter().flat_map(|&x| write(x)).collect()
        }
        match self {
            Data::F32(v) => each(v, f32::to_le_bytes),
            Data::F16(v) => each(v, u16::to_le_bytes),
            Data::I8(v) => each(v, i8::to_le_bytes),
            Data::U8(v) | Data::Bool(v) => v.clone(),
            Data::I16(v) => each(v, i16::to_le_bytes),
            Data::I32(v) => each(v, i32::to_le_bytes),
            Data::I64(v) => each(v, i64::to_le_bytes),
        }
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        self.view().dtype()
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.view().len()
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A borrowed view.
    pub fn view(&self) -> View<'_> {
        match self {
            Data::F32(v) => View::F32(v),
            Data::F16(v) => View::F16(v),
            Data::I8(v) => View::I8(v),
            Data::U8(v) => View::U8(v),
            Data::I16(v) => View::I16(v),
            Data::I32(v) => View::I32(v),
            Data::I64(v) => View::I64(v),
            Data::Bool(v) => View::Bool(v),
        }
    }

    /// A mutable view.
    pub fn view_mut(&mut self) -> ViewMut<'_> {
        match self {
            Data::F32(v) => ViewMut::F32(v),
            Data::F16(v) => ViewMut::F16(v),
            Data::I8(v) => ViewMut::I8(v),
            Data::U8(v) => ViewMut::U8(v),
            Data::I16(v) => ViewMut::I16(v),
            Data::I32(v) => ViewMut::I32(v),
            Data::I64(v) => ViewMut::I64(v),
            Data::Bool(v) => ViewMut::Bool(v),
        }
    }
}

/// Borrowed elements of any type, row-major.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs)]
pub enum View<'a> {
    F32(&'a [f32]),
    F16(&'a [u16]),
    I8(&'a [i8]),
    U8(&'a [u8]),
    I16(&'a [i16]),
    I32(&'a [i32]),
    I64(&'a [i64]),
    Bool(&'a [u8]),
}

impl<'a> View<'a> {
    /// The element type.
    pub fn dtype(&self) -> DType {
        match self {
            View::F32(_) => DType::F32,
            View::F16(_) => DType::F16,
            View::I8(_) => DType::I8,
            View::U8(_) => DType::U8,
            View::I16(_) => DType::I16,
            View::I32(_) => DType::I32,
            View::I64(_) => DType::I64,
            View::Bool(_) => DType::Bool,
        }
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        match self {
            View::F32(v) => v.len(),
            View::F16(v) => v.len(),
            View::I8(v) => v.len(),
            View::U8(v) => v.len(),
            View::I16(v) => v.len(),
            View::I32(v) => v.len(),
            View::I64(v) => v.len(),
            View::Bool(v) => v.len(),
        }
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Some of the elements.
    ///
    /// # Panics
    /// When they do not all exist.
    pub fn slice(&self, elements: Range<usize>) -> View<'a> {
        match *self {
            View::F32(v) => View::F32(&v[elements]),
            View::F16(v) => View::F16(&v[elements]),
            View::I8(v) => View::I8(&v[elements]),
            View::U8(v) => View::U8(&v[elements]),
            View::I16(v) => View::I16(&v[elements]),
            View::I32(v) => View::I32(&v[elements]),
            View::I64(v) => View::I64(&v[elements]),
            View::Bool(v) => View::Bool(&v[elements]),
        }
    }

    /// The address of the first element.
    pub fn as_ptr(&self) -> *const u8 {
        match self {
            View::F32(v) => v.as_ptr().cast(),
            View::F16(v) => v.as_ptr().cast(),
            View::I8(v) => v.as_ptr().cast(),
            View::U8(v) | View::Bool(v) => v.as_ptr(),
            View::I16(v) => v.as_ptr().cast(),
            View::I32(v) => v.as_ptr().cast(),
            View::I64(v) => v.as_ptr().cast(),
        }
    }

    /// The elements, if they are float32.
    pub fn f32(&self) -> Option<&'a [f32]> {
        match self {
            View::F32(v) => Some(v),
            _ => None,
        }
    }

    /// A copy that owns its elements.
    pub fn to_data(&self) -> Data {
        match *self {
            View::F32(v) => Data::F32(v.to_vec()),
            View::F16(v) => Data::F16(v.to_vec()),
            View::I8(v) => Data::I8(v.to_vec()),
            View::U8(v) => Data::U8(v.to_vec()),
            View::I16(v) => Data::I16(v.to_vec()),
            View::I32(v) => Data::I32(v.to_vec()),
            View::I64(v) => Data::I64(v.to_vec()),
            View::Bool(v) => Data::Bool(v.to_vec()),
        }
    }

    /// The elements as sizes or axes: int32 and int64 only.
    pub fn integers(&self) -> Option<Vec<i64>> {
        match self {
            View::I32(v) => Some(v.iter().map(|&x| x as i64).collect()),
            View::I64(v) => Some(v.to_vec()),
            _ => None,
        }
    }
}

/// Mutably borrowed elements of any type, row-major.
#[derive(Debug)]
#[allow(missing_docs)]
pub enum ViewMut<'a> {
    F32(&'a mut [f32]),
    F16(&'a mut [u16]),
    I8(&'a mut [i8]),
    U8(&'a mut [u8]),
    I16(&'a mut [i16]),
    I32(&'a mut [i32]),
    I64(&'a mut [i64]),
    Bool(&'a mut [u8]),
}

impl ViewMut<'_> {
    /// The same elements, read only.
    pub fn as_view(&self) -> View<'_> {
        match self {
            ViewMut::F32(v) => View::F32(v),
            ViewMut::F16(v) => View::F16(v),
            ViewMut::I8(v) => View::I8(v),
            ViewMut::U8(v) => View::U8(v),
            ViewMut::I16(v) => View::I16(v),
            ViewMut::I32(v) => View::I32(v),
            ViewMut::I64(v) => View::I64(v),
            ViewMut::Bool(v) => View::Bool(v),
        }
    }

    /// The address of the first element.
    pub fn as_mut_ptr(&mut self) -> *mut u8 {
        match self {
            ViewMut::F32(v) => v.as_mut_ptr().cast(),
            ViewMut::F16(v) => v.as_mut_ptr().cast(),
            ViewMut::I8(v) => v.as_mut_ptr().cast(),
            ViewMut::U8(v) | ViewMut::Bool(v) => v.as_mut_ptr(),
            ViewMut::I16(v) => v.as_mut_ptr().cast(),
            ViewMut::I32(v) => v.as_mut_ptr().cast(),
            ViewMut::I64(v) => v.as_mut_ptr().cast(),
        }
    }

    /// The same elements, mutably borrowed for a shorter time.
    pub fn reborrow(&mut self) -> ViewMut<'_> {
        match self {
            ViewMut::F32(v) => ViewMut::F32(v),
            ViewMut::F16(v) => ViewMut::F16(v),
            ViewMut::I8(v) => ViewMut::I8(v),
            ViewMut::U8(v) => ViewMut::U8(v),
            ViewMut::I16(v) => ViewMut::I16(v),
            ViewMut::I32(v) => ViewMut::I32(v),
            ViewMut::I64(v) => ViewMut::I64(v),
            ViewMut::Bool(v) => ViewMut::Bool(v),
        }
    }

    /// Overwrites all elements; says what differs when type or length do.
    pub fn copy_from(&mut self, source: View<'_>) -> Result<()> {
        let (have, want) = (source, self.as_view());
        if have.dtype() != want.dtype() || have.len() != want.len() {
            return Err(Error::bad_input(format!(
                "needs {} elements of {}, got {} of {}",
                want.len(),
                want.dtype(),
                have.len(),
                have.dtype()
            )));
        }
        match (self, source) {
            (ViewMut::F32(d), View::F32(s)) => d.copy_from_slice(s),
            (ViewMut::F16(d), View::F16(s)) => d.copy_from_slice(s),
            (ViewMut::I8(d), View::I8(s)) => d.copy_from_slice(s),
            (ViewMut::U8(d), View::U8(s)) => d.copy_from_slice(s),
            (ViewMut::I16(d), View::I16(s)) => d.copy_from_slice(s),
            (ViewMut::I32(d), View::I32(s)) => d.copy_from_slice(s),
            (ViewMut::I64(d), View::I64(s)) => d.copy_from_slice(s),
            (ViewMut::Bool(d), View::Bool(s)) => d.copy_from_slice(s),
            _ => unreachable!("types were compared above"),
        }
        Ok(())
    }
}

/// Widens the bits of a half float, exactly.
pub fn f16_to_f32(bits: u16) -> f32 {
    let sign = ((bits & 0x8000) as u32) << 16;
    let magnitude = (bits & 0x7fff) as u32;
    let value = match magnitude {
        // Infinity and NaN: the exponent is all ones in both formats.
        0x7c00.. => f32::from_bits(0x7f80_0000 | (magnitude & 0x3ff) << 13),
        // Normal: rebias the exponent from 15 to 127.
        0x0400.. => f32::from_bits((magnitude << 13) + ((127 - 15) << 23)),
        // Subnormal: a multiple of 2^-24.
        _ => magnitude as f32 * f32::from_bits((127 - 24) << 23),
    };
    f32::from_bits(value.to_bits() | sign)
}

/// The bits of the nearest half float, halves to even; infinite beyond the largest, 65504.
pub fn f32_to_f16(value: f32) -> u16 {
    let (sign, magnitude) = ((value.to_bits() >> 16 & 0x8000) as u16, value.abs());
    let bits = magnitude.to_bits();
    let half = match magnitude {
        _ if magnitude.is_nan() => 0x7e00,
        // Half way to what would be the next one, and from there on.
        65520.0.. => 0x7c00,
        // Normal: drop 13 bits of the mantissa; a carry goes into the exponent, as it should.
        _ if bits >= (127 - 14) << 23 => {
            let rounded = bits + 0xfff + (bits >> 13 & 1);
            ((rounded >> 13) - ((127 - 15) << 10)) as u16
        }
        // Subnormal: a multiple of 2^-24.
        _ => (magnitude * f32::from_bits((127 + 24) << 23)).round_ties_even() as u16,
    };
    sign | half
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_that_overflow_are_refused() {
        assert!(Shape::new([usize::MAX, 2]).is_err());
        assert!(Shape::new([1 << 20, 1 << 20]).is_err());
        assert!(Shape::new([0, 1 << 20, 1 << 20]).is_err());
        assert_eq!(Shape::new([0, 5]).unwrap().elements(), 0);
        assert_eq!(Shape::new([]).unwrap().elements(), 1);
    }

    #[test]
    fn half_floats_widen_exactly() {
        for (bits, value) in [
            (0x0000u16, 0.0f32),
            (0x8000, -0.0),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x0400, 6.103_515_6e-5),
            (0x0001, 5.960_464_5e-8),
            (0x03ff, 6.097_555e-5),
            (0x7c00, f32::INFINITY),
            (0xfc00, f32::NEG_INFINITY),
        ] {
            assert_eq!(f16_to_f32(bits).to_bits(), value.to_bits(), "{bits:#06x}");
        }
        assert!(f16_to_f32(0x7e00).is_nan());
    }

    #[test]
    fn floats_become_the_nearest_half_floats() {
        for bits in (0..=u16::MAX).filter(|b| !f16_to_f32(*b).is_nan()) {
            assert_eq!(f32_to_f16(f16_to_f32(bits)), bits, "{bits:#06x}");
        }
        // Between each two neighbours: the middle goes to the even one, all else to the nearer one.
        for low in 0..0x7bffu16 {
            let (a, b) = (f16_to_f32(low), f16_to_f32(low + 1));
            let middle = (a + b) / 2.0; // exact: both have 11 bits
            let even = low + (low & 1);
            for (x, nearest) in
                [(middle.next_down(), low), (middle, even), (middle.next_up(), low + 1)]
            {
                assert_eq!(f32_to_f16(x), nearest, "{x}");
                assert_eq!(f32_to_f16(-x), nearest | 0x8000, "-{x}");
            }
        }
        for (x, bits) in [(65504.0, 0x7bff), (65519.99, 0x7bff), (65520.0, 0x7c00), (1e30, 0x7c00)]
        {
            assert_eq!(f32_to_f16(x), bits, "{x}");
        }
        assert_eq!(f32_to_f16(f32::NEG_INFINITY), 0xfc00);
        assert!(f16_to_f32(f32_to_f16(f32::NAN)).is_nan());
        assert_eq!(f32_to_f16(1e-30), 0);
    }

    #[test]
    fn bytes_of_a_broken_length_are_refused() {
        assert_eq!(Data::from_le_bytes(DType::F32, &[0; 7]), None);
        assert_eq!(Data::from_le_bytes(DType::I16, &[1, 2]), Some(Data::I16(vec![0x0201])));
    }

    #[test]
    fn bytes_are_read_as_they_were_written() {
        for data in [
            Data::F32(vec![1.5, -0.0]),
            Data::F16(vec![0x3c00, 0x8001]),
            Data::I8(vec![-128, 1]),
            Data::U8(vec![0, 255]),
            Data::I16(vec![-2, 0x0102]),
            Data::I32(vec![i32::MIN, 7]),
            Data::I64(vec![i64::MIN, 7]),
            Data::Bool(vec![0, 1]),
        ] {
            let bytes = data.to_le_bytes();
            assert_eq!(bytes.len(), 2 * data.dtype().size());
            assert_eq!(Data::from_le_bytes(data.dtype(), &bytes), Some(data));
        }
        assert_eq!(Data::I16(vec![0x0102]).to_le_bytes(), [2, 1]);
    }
}
