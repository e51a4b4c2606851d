//! Operands and results as real numbers, whatever type they are stored in.

use crate::quantization::Scales;
use crate::tensor::{Halves, Quantization, Shape, View, ViewMut, f16_to_f32};

/// An operand: its shape, its elements, and the real numbers these stand for.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// Extents.
    pub shape: &'a Shape,
    /// Row-major elements as they are stored.
    pub data: View<'a>,
    scales: Scales<'a>,
}

impl<'a> Input<'a> {
    /// Elements that [`crate::ops::Op::infer`] admits as an operand.
    pub fn new(
        shape: &'a Shape,
        quantization: Option<&'a Quantization>,
        data: View<'a>,
    ) -> Input<'a> {
        Input { shape, data, scales: Scales::new(shape, quantization) }
    }

    /// The real number that element `i` stands for; integers without a scale stand for themselves.
    pub fn get(&self, i: usize) -> f64 {
        let stored = match self.data {
            View::F32(v) => return v[i] as f64,
            View::F16(v) => return f16_to_f32(v[i]) as f64,
            View::I8(v) => v[i] as f64,
            View::U8(v) | View::Bool(v) => v[i] as f64,
            View::I16(v) => v[i] as f64,
            View::I32(v) => v[i] as f64,
            View::I64(v) => v[i] as f64,
        };
        let (scale, zero_point) = self.scales.at(i);
        scale * (stored - zero_point)
    }

    /// The scale and the zero point of element `i`; 1 and 0 where nothing is quantized.
    pub fn scale(&self, i: usize) -> (f64, i64) {
        let (scale, zero_point) = self.scales.at(i);
        (scale, zero_point as i64)
    }

    /// Element `i` as it is stored: exact for every type of integers, and 0 for floats.
    pub fn integer(&self, i: usize) -> i64 {
        match self.data {
            View::I8(v) => v[i] as i64,
            View::U8(v) | View::Bool(v) => v[i] as i64,
            View::I16(v) => v[i] as i64,
            View::I32(v) => v[i] as i64,
            View::I64(v) => v[i],
            View::F32(_) | View::F16(_) => 0,
        }
    }

    /// Element `i` as a number of steps from the zero point; only for integers.
    pub fn steps(&self, i: usize) -> i64 {
        self.integer(i) - self.scale(i).1
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.data.len()
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn nhwc(&self) -> [usize; 4] {
        self.shape.nhwc().expect("infer() checked the operand's rank")
    }
}

/// A result to fill: all its elements are set.
#[derive(Debug)]
pub struct Output<'a> {
    /// Extents.
    pub shape: &'a Shape,
    /// Row-major elements as they are stored.
    pub data: ViewMut<'a>,
    scales: Scales<'a>,
    halves: Halves,
}

impl<'a> Output<'a> {
    /// Room for a result of [`crate::ops::Op::infer`].
    pub fn new(
        shape: &'a Shape,
        quantization: Option<&'a Quantization>,
        data: ViewMut<'a>,
    ) -> Output<'a> {
        Output { shape, data, scales: Scales::new(shape, quantization), halves: Halves::default() }
    }

    /// The same room, filled with numbers of which halves go elsewhere.
    pub fn rounding(&mut self, halves: Halves) {
        self.halves = halves;
    }

    /// Stores the value nearest to `real`, and what is too large or too small for the type as its
    /// largest or smallest value. A quantized tensor keeps NaN as the smallest.
    pub fn set(&mut self, i: usize, real: f64) {
        let (scale, zero_point) = self.scales.at(i);
        // `as` saturates, and makes 0 of NaN; `max` makes the other one of it.
        let lowest = self.data.as_view().dtype().stored_range().map(|(low, _)| low as f64);
        let stored = || {
            let stored = self.halves.round(real / scale, zero_point) + zero_point;
            lowest.map_or(stored, |lowest| stored.max(lowest))
        };
        match &mut self.data {
            ViewMut::F32(v) => v[i] = real as f32,
            ViewMut::F16(_) => unreachable!("infer() lets nothing compute half floats"),
            ViewMut::I8(v) => v[i] = stored() as i8,
            ViewMut::U8(v) => v[i] = stored() as u8,
            ViewMut::I16(v) => v[i] = stored() as i16,
            ViewMut::I32(v) => v[i] = stored() as i32,
            ViewMut::I64(v) => v[i] = stored() as i64,
            ViewMut::Bool(v) => v[i] = u8::from(real != 0.0),
        }
    }

    /// Stores an integer as it is, or its lowest bits where the type has fewer; only for types
    /// of integers.
    pub fn set_integer(&mut self, i: usize, value: i64) {
        match &mut self.data {
            ViewMut::I8(v) => v[i] = value as i8,
            ViewMut::U8(v) => v[i] = value as u8,
            ViewMut::I16(v) => v[i] = value as i16,
            ViewMut::I32(v) => v[i] = value as i32,
            ViewMut::I64(v) => v[i] = value,
            ViewMut::Bool(v) => v[i] = u8::from(value != 0),
            ViewMut::F32(_) | ViewMut::F16(_) => unreachable!("infer() made the result integers"),
        }
    }

    /// Stores a number of steps from the zero point, within the type; only for types of integers.
    pub fn set_steps(&mut self, i: usize, steps: i64) {
        let (low, high) = self.integers();
        self.set_integer(i, (steps + self.scale(i).1).clamp(low, high));
    }

    /// Element `i` becomes element `from` of an operand: the same bits where type and scales are
    /// the same, or the type is one whose scales have no meaning; otherwise the nearest value.
    pub fn copy(&mut self, i: usize, input: &Input, from: usize) {
        let is_plain = input.data.dtype().stored_range().is_none();
        if is_plain || self.scales.same_as(&input.scales) {
            match (&mut self.data, input.data) {
                (ViewMut::F32(to), View::F32(v)) => return to[i] = v[from],
                (ViewMut::F16(to), View::F16(v)) => return to[i] = v[from],
                (ViewMut::I8(to), View::I8(v)) => return to[i] = v[from],
                (ViewMut::U8(to), View::U8(v)) => return to[i] = v[from],
                (ViewMut::I16(to), View::I16(v)) => return to[i] = v[from],
                (ViewMut::I32(to), View::I32(v)) => return to[i] = v[from],
                (ViewMut::I64(to), View::I64(v)) => return to[i] = v[from],
                (ViewMut::Bool(to), View::Bool(v)) => return to[i] = v[from],
                _ => {}
            }
        }
        self.set(i, input.get(from));
    }

    /// The scale and the zero point of element `i`; 1 and 0 where nothing is quantized.
    pub fn scale(&self, i: usize) -> (f64, i64) {
        let (scale, zero_point) = self.scales.at(i);
        (scale, zero_point as i64)
    }

    /// The lowest and the highest integer that an element can be.
    pub fn integers(&self) -> (i64, i64) {
        match &self.data {
            ViewMut::I8(_) => (i8::MIN as i64, i8::MAX as i64),
            ViewMut::U8(_) => (0, u8::MAX as i64),
            ViewMut::I16(_) => (i16::MIN as i64, i16::MAX as i64),
            ViewMut::I32(_) => (i32::MIN as i64, i32::MAX as i64),
            ViewMut::I64(_) => (i64::MIN, i64::MAX),
            ViewMut::Bool(_) | ViewMut::F32(_) | ViewMut::F16(_) => (0, 1),
        }
    }

    /// Whether the elements are quantized.
    pub fn is_quantized(&self) -> bool {
        self.data.as_view().dtype().stored_range().is_some() && self.scales.is_given()
    }

    /// Whether the elements are integers that stand for themselves, of a type that has no scales.
    pub fn is_plain_integer(&self) -> bool {
        matches!(self.data, ViewMut::I32(_) | ViewMut::I64(_))
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.shape.elements()
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn nhwc(&self) -> [usize; 4] {
        self.shape.nhwc().expect("infer() made the result's shape")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::Data;

    #[test]
    fn what_is_set_is_what_is_got_within_the_type() {
        let shape = Shape::new([1]).unwrap();
        let quantization = Quantization::per_tensor(0.5, 3);
        for (mut data, real, got) in [
            (Data::F32(vec![0.0]), 0.3f32 as f64, 0.3f32 as f64),
            (Data::I8(vec![0]), 0.25, 0.5),
            (Data::I8(vec![0]), -0.25, -0.5),
            (Data::I8(vec![0]), 1e30, 62.0),
            (Data::U8(vec![0]), -100.0, -1.5),
            (Data::U8(vec![9]), f64::NAN, -1.5),
            (Data::I8(vec![9]), f64::NAN, -65.5),
            (Data::I16(vec![0]), 1000.2, 1000.0),
        ] {
            Output::new(&shape, Some(&quantization), data.view_mut()).set(0, real);
            let input = Input::new(&shape, Some(&quantization), data.view());
            assert_eq!(input.get(0), got, "{real} as {}", data.dtype());
        }
    }

    #[test]
    fn copies_of_the_same_type_are_exact() {
        let shape = Shape::new([1]).unwrap();
        let from = Data::I64(vec![i64::MAX - 1]);
        let mut to = Data::I64(vec![0]);
        let input = Input::new(&shape, None, from.view());
        Output::new(&shape, None, to.view_mut()).copy(0, &input, 0);
        assert_eq!(to, from);
        // Other scales: the same real number.
        let (fine, coarse) = (Quantization::per_tensor(0.1, 0), Quantization::per_tensor(0.5, -1));
        let (from, mut to) = (Data::I8(vec![26]), Data::I8(vec![0]));
        let input = Input::new(&shape, Some(&fine), from.view());
        Output::new(&shape, Some(&coarse), to.view_mut()).copy(0, &input, 0);
        assert_eq!(to, Data::I8(vec![4]));
    }
}
