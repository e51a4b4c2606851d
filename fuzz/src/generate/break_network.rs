//! What no converter writes.

use super::Draft;
use octomask::tflite::builder::Table;
use octomask::tflite::flatbuffer::Field;

const EXTENTS: [i32; 12] =
    [0, -1, -2, 1, 2, 7, 1 << 14, 1 << 16, 1 << 28, 1 << 30, i32::MAX, i32::MIN];
const SCALES: [f32; 10] =
    [0.0, -1.0, f32::NAN, f32::INFINITY, 1e-45, f32::MIN_POSITIVE, f32::MAX, 1.0, 1e-20, 1e20];
const ZERO_POINTS: [i64; 8] = [0, 1, -128, 128, 255, 256, i64::MIN, i64::MAX];

impl Draft<'_> {
    /// Breaks one thing, or makes it strange.
    pub(super) fn break_something(&mut self) {
        let Draft { source: s, network: n, .. } = self;
        let tensors = n.tensors.len();
        let any_id = |s: &mut super::super::source::Source| s.below(tensors + 3) as i32 - 2;
        let tensor = s.below(tensors);
        let t = &mut n.tensors[tensor];
        let operator = s.below(n.operators.len());
        let kind = s.below(16);
        match kind {
            0 if !t.shape.is_empty() => {
                let axis = s.below(t.shape.len());
                t.shape[axis] = s.pick(&EXTENTS);
            }
            0 | 1 => t.shape.push(s.pick(&EXTENTS)),
            2 => drop(t.shape.pop()),
            3 => t.dtype = s.between(-1, 24) as i8,
            4 => match s.pick(&SCALES) {
                scale if t.scale.is_empty() || s.once_in(2) => t.scale.push(scale),
                scale => t.scale[0] = scale,
            },
            5 => match s.pick(&ZERO_POINTS) {
                zero if t.zero_point.is_empty() || s.once_in(2) => t.zero_point.push(zero),
                zero => t.zero_point[0] = zero,
            },
            6 => {
                t.axis = s.pick(&[-1, 0, 1, 2, 3, 4, i32::MAX, i32::MIN]);
                let extent = usize::try_from(t.axis).ok().and_then(|a| t.shape.get(a));
                let count = extent.map_or(3, |&d| d.clamp(0, 64)) as usize;
                t.scale = vec![0.5; count];
                t.zero_point = vec![0; count];
            }
            7 => t.data = None,
            8 => {
                if let Some(data) = &mut t.data {
                    let len = s.below(2 * data.len().min(100) + 1);
                    data.resize(len, 0xff);
                } else {
                    let len = s.below(100);
                    t.data = Some(vec![0x7f; len]);
                }
            }
            9 => {
                // Any byte of a constant: an axis, a size, an exponent.
                if let Some(data) = t.data.as_mut().filter(|d| !d.is_empty()) {
                    let at = s.below(data.len().min(256));
                    data[at] = s.pick(&[0xff, 0x80, 0x7f, 0, 1, 0x10]);
                }
            }
            10 => n.outputs.push(any_id(s)),
            11 => n.inputs.push(any_id(s)),
            12 if n.operators.len() > 1 => {
                let other = s.below(n.operators.len());
                n.operators.swap(operator, other);
            }
            _ if n.operators.is_empty() => {}
            12 | 13 => {
                let o = &mut n.operators[operator];
                let list = if s.once_in(4) { &mut o.outputs } else { &mut o.inputs };
                let at = s.below(list.len() + 1);
                match list.get_mut(at) {
                    Some(_) if s.once_in(4) => drop(list.remove(at)),
                    Some(id) => *id = any_id(s),
                    None => list.push(any_id(s)),
                }
            }
            14 => {
                let o = &mut n.operators[operator];
                let slot = s.below(8) as u16;
                let options = std::mem::replace(&mut o.options, Table::new());
                o.options = match s.below(3) {
                    0 => options.set(Field(slot, 0), s.pick(&EXTENTS)),
                    1 => options.set(Field(slot, 0i8), s.byte() as i8),
                    _ => options.set(Field(slot, 0f32), s.pick(&SCALES)),
                };
            }
            _ => {
                let o = &mut n.operators[operator];
                if let Some(at) = o.custom.len().checked_sub(4) {
                    let word = s.below(at / 4 + 1) * 4;
                    o.custom[word..word + 4].copy_from_slice(&s.pick(&EXTENTS).to_le_bytes());
                } else {
                    o.kind = s.byte();
                }
            }
        }
    }
}
