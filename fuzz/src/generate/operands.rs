//! The operands of an operator, drawn so that they fit its first value.

use super::super::network::{Tensor, types};
use super::super::recipes::{List, Operand, Recipe};
use super::super::source::Random;
use super::{Draft, Fact};
use octomask::tflite::builder::Table;

/// Constants that are drawn have no more elements.
const MAX_ELEMENTS: i32 = 1 << 12;

impl Draft<'_> {
    /// All operands of an operator. `first` is its first value, wherever that stands.
    pub(super) fn operands(&mut self, recipe: &Recipe, first: &Fact, results: usize) -> Vec<i32> {
        let channels = self.source.pick(&[1, 2, 3, 4, 5, 8, 9]);
        let mut co = channels;
        let mut inputs = Vec::new();
        let mut is_first = true;
        for &operand in recipe.operands {
            let id = match operand {
                Operand::Any | Operand::Image if is_first => {
                    is_first = false;
                    first.id
                }
                Operand::Any | Operand::Image => self.first_value(operand == Operand::Image).id,
                Operand::Partner => self.partner(first),
                Operand::Twin => self.twin(first, first.dtype),
                Operand::More => {
                    for _ in 0..self.source.below(4) {
                        let twin = self.neighbour(first);
                        inputs.push(twin);
                    }
                    continue;
                }
                Operand::Condition => self.twin(first, types::BOOL),
                Operand::Filter => {
                    let ci = extent(first, 3);
                    let groups = (1..=ci).filter(|g| ci % g == 0).collect::<Vec<_>>();
                    let groups = if self.source.once_in(4) { self.source.pick(&groups) } else { 1 };
                    co = groups * channels;
                    let (kh, kw) = self.window();
                    self.weights(vec![co, kh, kw, ci / groups], 0, first)
                }
                Operand::DepthwiseFilter => {
                    co = extent(first, 3) * self.source.pick(&[1, 1, 1, 2, 3]);
                    let (kh, kw) = self.window();
                    self.weights(vec![1, kh, kw, co], 3, first)
                }
                Operand::TransposedFilter(_) => {
                    let (kh, kw) = self.window();
                    self.weights(vec![channels, kh, kw, extent(first, 3)], 0, first)
                }
                Operand::Weights => {
                    let depth = first.shape.last().copied().unwrap_or(1);
                    self.weights(vec![channels, depth], 0, first)
                }
                Operand::Bias if self.source.once_in(4) => {
                    if self.source.once_in(2) {
                        continue;
                    }
                    -1
                }
                Operand::Bias => self.bias(co, first),
                Operand::Matrix => {
                    let rank = first.shape.len();
                    let k = self.source.pick(&[rank.wrapping_sub(1), rank.wrapping_sub(2)]);
                    let k = extent(first, k);
                    let shape =
                        if self.source.once_in(2) { vec![k, channels] } else { vec![channels, k] };
                    self.constant_or_value(shape, first.dtype)
                }
                Operand::Slopes => {
                    let shape = vec![extent(first, first.shape.len().wrapping_sub(1))];
                    let shape = if self.source.once_in(4) { first.shape.clone() } else { shape };
                    self.constant_or_value(shape, first.dtype)
                }
                Operand::Scalar => self.constant_or_value(Vec::new(), first.dtype),
                Operand::List(list) => self.list(list, first, channels, results),
            };
            inputs.push(id);
        }
        inputs
    }

    /// A constant, or now and then a value that has the shape already.
    fn constant_or_value(&mut self, shape: Vec<i32>, dtype: i8) -> i32 {
        let fits = |v: &&Fact| v.shape == shape && v.dtype == dtype;
        let fits: Vec<i32> = self.values.iter().filter(fits).map(|v| v.id).collect();
        if !fits.is_empty() && !self.source.once_in(4) {
            return self.source.pick(&fits);
        }
        self.constant(shape, dtype).id
    }

    fn twin(&mut self, first: &Fact, dtype: i8) -> i32 {
        self.constant_or_value(first.shape.clone(), dtype)
    }

    /// Of the same shape, or of another extent along one axis.
    fn neighbour(&mut self, first: &Fact) -> i32 {
        let mut shape = first.shape.clone();
        if !shape.is_empty() && self.source.once_in(2) {
            let axis = self.source.below(shape.len());
            shape[axis] = self.source.between(1, 5);
        }
        self.constant_or_value(shape, first.dtype)
    }

    /// Broadcasts with the first value.
    fn partner(&mut self, first: &Fact) -> i32 {
        if self.source.once_in(3) {
            return self.twin(first, first.dtype);
        }
        let dropped = self.source.below(first.shape.len() + 1);
        let mut shape = first.shape[dropped..].to_vec();
        for extent in &mut shape {
            if self.source.once_in(3) {
                *extent = 1;
            } else if *extent == 1 && self.source.once_in(4) {
                *extent = self.source.between(2, 5);
            }
        }
        self.constant_or_value(shape, first.dtype)
    }

    fn window(&mut self) -> (i32, i32) {
        let side = self.source.pick(&[1, 2, 3, 3, 4, 5]);
        (side, if self.source.once_in(2) { self.source.between(1, 5) } else { side })
    }

    /// Weights in a form that goes with the type of `first`; scales run along `axis`.
    fn weights(&mut self, shape: Vec<i32>, axis: usize, first: &Fact) -> i32 {
        let dtype = match first.dtype {
            types::F32 => self.source.pick(&[types::F32, types::F32, types::F16, types::I8]),
            types::I16 => types::I8,
            other => other,
        };
        if dtype == types::F16 {
            let half = self.constant(shape.clone(), dtype).id;
            let single = self.network.tensor(&shape);
            self.network.operator("DEQUANTIZE", &[half], &[single], 0, Table::new());
            return single;
        }
        let slices = extent_of(&shape, axis) as usize;
        let id = self.constant(shape, dtype).id;
        let many = dtype == types::I8 && self.source.once_in(2);
        let tensor = &mut self.network.tensors[id as usize];
        if dtype != types::F32 {
            let count = if many { slices } else { 1 };
            tensor.scale = (0..count).map(|i| [0.02, 0.005, 0.01, 0.0][i % 4]).collect();
            tensor.zero_point = vec![if dtype == types::U8 { 128 } else { 0 }; count];
            tensor.axis = axis as i32;
        }
        id
    }

    fn bias(&mut self, channels: i32, first: &Fact) -> i32 {
        let dtype = match first.dtype {
            types::F32 => types::F32,
            types::I16 => self.source.pick(&[types::I64, types::I32]),
            _ => types::I32,
        };
        let id = self.constant(vec![channels], dtype).id;
        if dtype != types::F32 {
            let tensor = &mut self.network.tensors[id as usize];
            (tensor.scale, tensor.zero_point) = (vec![1e-3], vec![0]);
        }
        id
    }

    /// A constant; far too large ones become scalars.
    pub(super) fn constant(&mut self, shape: Vec<i32>, dtype: i8) -> Fact {
        let elements = shape.iter().try_fold(1i32, |n, &d| n.checked_mul(d));
        let shape = match elements {
            Some(0..=MAX_ELEMENTS) => shape,
            _ => Vec::new(),
        };
        let mut random = self.source.seed();
        let elements = shape.iter().product::<i32>();
        let data = (0..elements).flat_map(|_| element(&mut random, dtype)).collect();
        let tensor = self.described(shape.clone(), dtype);
        let id = self.network.add(Tensor { data: Some(data), ..tensor });
        Fact { id, shape, dtype }
    }

    fn list(&mut self, list: List, first: &Fact, channels: i32, results: usize) -> i32 {
        let dims = &first.shape;
        let rank = dims.len() as i32;
        let s = &mut self.source;
        let mut shape = None;
        let mut values: Vec<i32> = match list {
            List::Size => vec![s.between(1, 24), s.between(1, 24)],
            List::ImageSize => {
                let (n, h, w) = (extent(first, 0), extent(first, 1), extent(first, 2));
                let times = s.between(1, 3);
                vec![n, h * times + s.below(2) as i32, w * times, channels]
            }
            List::Axes => {
                let chosen = (0..rank).filter(|_| s.once_in(2)).collect::<Vec<_>>();
                let minus = if s.once_in(4) { rank } else { 0 };
                chosen.into_iter().map(|axis| axis - minus).collect()
            }
            List::Axis => {
                shape = Some(Vec::new());
                vec![s.between(-rank, rank)]
            }
            List::Shape => match s.below(4) {
                0 => vec![dims.iter().product()],
                1 => vec![1, -1],
                2 => dims.iter().rev().copied().collect(),
                _ => dims
                    .iter()
                    .flat_map(|&d| if s.once_in(4) { vec![1, d] } else { vec![d] })
                    .collect(),
            },
            List::Broadcast => {
                let wide = dims.iter().map(|&d| if d == 1 { s.between(1, 4) } else { d });
                let wide = wide.collect::<Vec<_>>();
                if s.once_in(4) { [&[2], &wide[..]].concat() } else { wide }
            }
            List::Order => {
                let mut order: Vec<i32> = (0..rank).collect();
                for i in (1..order.len()).rev() {
                    order.swap(i, s.below(i + 1));
                }
                order
            }
            List::Paddings => {
                shape = Some(vec![rank, 2]);
                (0..2 * rank).map(|_| s.pick(&[0, 0, 1, 2])).collect()
            }
            List::Positions => dims.iter().map(|&d| s.pick(&[0, 0, 1, -1, d, d / 2, -d])).collect(),
            List::Extents => dims.iter().map(|&d| s.pick(&[-1, d, 1, d / 2, d - 1])).collect(),
            List::Steps => dims.iter().map(|_| s.pick(&[1, 1, 1, 2, -1, -2, 3])).collect(),
            List::Counts => dims.iter().map(|_| s.pick(&[1, 1, 2, 3])).collect(),
            List::Blocks => vec![s.between(1, 3), s.between(1, 3)],
            List::Borders => {
                shape = Some(vec![2, 2]);
                (0..4).map(|_| s.pick(&[0, 0, 1, 2])).collect()
            }
            List::Indices => {
                let most = dims.iter().copied().max().unwrap_or(1).max(1);
                let count = s.between(1, 6);
                shape = Some(s.pick(&[&[][..], &[count], &[1, count], &[count, 1]]).to_vec());
                let elements = shape.iter().flatten().product::<i32>();
                (0..elements).map(|_| s.between(0, most - 1)).collect()
            }
            List::Pieces => {
                let axis = s.below(dims.len().max(1));
                let extent = dims.get(axis).copied().unwrap_or(1);
                let mut pieces = vec![1; results];
                let last = pieces.last_mut().expect("there is a result");
                *last = if s.once_in(4) { -1 } else { extent - results as i32 + 1 };
                pieces
            }
            List::Number => {
                shape = Some(Vec::new());
                vec![s.between(-2, 12)]
            }
        };
        for value in &mut values {
            if s.once_in(128) {
                *value = s.pick(&[0, -1, i32::MAX, i32::MIN, 1 << 16, 1 << 28, 100]);
            }
        }
        let shape = shape.unwrap_or_else(|| vec![values.len() as i32]);
        let wide = s.once_in(16);
        let data = values.iter().flat_map(|&v| match wide {
            true => (v as i64).to_le_bytes().to_vec(),
            false => v.to_le_bytes().to_vec(),
        });
        let dtype = if wide { types::I64 } else { types::I32 };
        self.network.add(Tensor { shape, dtype, data: Some(data.collect()), ..Tensor::default() })
    }
}

fn extent(fact: &Fact, axis: usize) -> i32 {
    extent_of(&fact.shape, axis)
}

fn extent_of(shape: &[i32], axis: usize) -> i32 {
    shape.get(axis).copied().unwrap_or(1).max(1)
}

/// One little-endian element.
fn element(random: &mut Random, dtype: i8) -> Vec<u8> {
    let bits = random.next();
    match dtype {
        types::F32 => random.float(2.0).to_le_bytes().to_vec(),
        // Halves from 2^-12 to 2.
        types::F16 => ((bits as u16 & 0x83ff) | (0x0c00 + (bits >> 32) as u16 % 0x3400))
            .to_le_bytes()
            .to_vec(),
        types::I32 => ((bits % 9) as i32 - 3).to_le_bytes().to_vec(),
        types::I64 => ((bits % 9) as i64 - 3).to_le_bytes().to_vec(),
        types::I16 => ((bits % 4001) as i16 - 2000).to_le_bytes().to_vec(),
        types::BOOL => vec![(bits % 2) as u8],
        _ => vec![bits as u8],
    }
}
