//! Bytes → a network that is nearly legal. Operators are drawn one by one, and mostly dropped again
//! when the reader refuses them; at the end some networks are broken on purpose.

mod break_network;
mod operands;

use super::network::{Network, Operator, Tensor, types};
use super::recipes::{Made, Operand, RECIPES, Recipe, Value};
use super::source::Source;
use octomask::graph::Graph;
use octomask::tensor::DType;
use octomask::tflite::builder::Table;
use octomask::tflite::flatbuffer::{Field, Ref};
use octomask::tflite::operators::{Code, decoder};
use std::sync::OnceLock;

/// The recipes of supported operators.
fn supported() -> &'static [&'static Recipe] {
    static SUPPORTED: OnceLock<Vec<&Recipe>> = OnceLock::new();
    SUPPORTED.get_or_init(|| {
        let known = |recipe: &&Recipe| {
            let code = match recipe.custom {
                [] => Code::Builtin(recipe.name),
                _ => Code::Custom(recipe.name.to_string()),
            };
            decoder(&code).is_some()
        };
        RECIPES.iter().filter(known).collect()
    })
}

/// The network that some bytes stand for.
pub fn network(bytes: &[u8]) -> Network {
    let mut source = Source::new(bytes);
    let breaks = source.once_in(4);
    let activations = source.pick(&[0, 0, 0, types::I8, types::I8, types::U8, types::I16]);
    let network = Network::new();
    let mut draft = Draft { source, network, values: Vec::new(), activations };
    for _ in 0..draft.source.between(1, 2) {
        draft.add_input();
    }
    for _ in 0..draft.source.between(1, 8) {
        draft.add_operator();
    }
    draft.choose_outputs();
    if breaks {
        for _ in 0..draft.source.between(1, 3) {
            draft.break_something();
        }
    }
    draft.network
}

/// A tensor that operators may read, as inference knows it.
#[derive(Debug, Clone)]
struct Fact {
    id: i32,
    shape: Vec<i32>,
    dtype: i8,
}

struct Draft<'a> {
    source: Source<'a>,
    network: Network,
    values: Vec<Fact>,
    /// Type of most activations.
    activations: i8,
}

impl Draft<'_> {
    fn add_input(&mut self) {
        let shape = if self.source.once_in(4) { self.any_shape() } else { self.image_shape() };
        let dtype = match self.source.below(8) {
            0 => self.source.pick(&[types::F32, types::I32, types::I64, types::BOOL, types::F16]),
            _ => self.activations,
        };
        let tensor = self.described(shape.clone(), dtype);
        let id = self.network.add(tensor);
        self.network.inputs.push(id);
        self.values.push(Fact { id, shape, dtype });
    }

    fn image_shape(&mut self) -> Vec<i32> {
        let side = |s: &mut Source| s.pick(&[1, 2, 3, 4, 5, 7, 8, 8, 9, 12, 16, 33]);
        let batch = self.source.pick(&[1, 1, 1, 2]);
        let (h, w) = (side(&mut self.source), side(&mut self.source));
        vec![batch, h, w, self.source.pick(&[1, 2, 3, 4, 5, 8, 9, 16, 17])]
    }

    fn any_shape(&mut self) -> Vec<i32> {
        let rank = self.source.pick(&[3, 2, 1, 0, 5, 6, 8]);
        (0..rank).map(|_| self.source.pick(&[1, 1, 2, 3, 4, 5, 8])).collect()
    }

    /// A tensor without data: quantized where its type mostly is.
    fn described(&mut self, shape: Vec<i32>, dtype: i8) -> Tensor {
        let mut tensor = Tensor { shape, dtype, ..Tensor::default() };
        let zero_points: &[i64] = match dtype {
            types::I8 => &[0, -128, 127, 5],
            types::U8 => &[0, 128, 255, 7],
            types::I16 => &[0, 0, 0, 100],
            _ => return tensor,
        };
        if !self.source.once_in(16) {
            tensor.scale = vec![self.source.pick(&[0.05, 1.0 / 255.0, 0.5, 1.0, 0.1, 1e-3, 20.0])];
            tensor.zero_point = vec![self.source.pick(zero_points)];
        }
        tensor
    }

    /// Draws operators until one is sound, or the patience ends.
    fn add_operator(&mut self) {
        for _ in 0..3 {
            let before = self.network.clone();
            let recipe = self.source.pick(supported());
            let made = self.add_drawn(recipe);
            match octomask::tflite::read(&self.network.bytes()) {
                Ok(graph) => {
                    let facts = made.iter().map(|&id| fact(&graph, id));
                    self.values.extend(facts);
                    return;
                }
                Err(_) if self.source.once_in(32) => return,
                Err(_) => self.network = before,
            }
        }
    }

    /// Adds an operator, and gives what it makes.
    fn add_drawn(&mut self, recipe: &Recipe) -> Vec<i32> {
        let wants_image = recipe.operands.contains(&Operand::Image);
        let first = self.first_value(wants_image);
        let results = match recipe.results {
            0 => {
                let extent = self.source.below(first.shape.len().max(1));
                first.shape.get(extent).map_or(2, |&d| d.clamp(1, 40)) as usize
            }
            count => count,
        };
        let inputs = self.operands(recipe, &first, results);
        let mut options = Table::new();
        for &(slot, value) in recipe.options {
            options = self.with_option(options, slot, value, &first, results);
        }
        let custom = recipe.custom.iter().flat_map(|&most| {
            let word = if most == 0 { 0 } else { self.source.between(1, most) };
            word.to_le_bytes()
        });
        let custom = custom.collect();
        let outputs: Vec<i32> = (0..results).map(|_| self.result(recipe.made, &first)).collect();
        self.network.operators.push(Operator {
            name: recipe.name,
            inputs,
            outputs: outputs.clone(),
            kind: recipe.kind,
            options,
            custom,
        });
        outputs
    }

    /// What the other operands depend on.
    fn first_value(&mut self, image: bool) -> Fact {
        let fits: Vec<&Fact> =
            self.values.iter().filter(|v| !image || v.shape.len() == 4).collect();
        // Mostly what was made last.
        let at = fits.len().saturating_sub(1 + self.source.below(4).min(self.source.below(8)));
        if let Some(&fact) = fits.get(at)
            && !self.source.once_in(16)
        {
            return fact.clone();
        }
        let shape = if image { self.image_shape() } else { self.any_shape() };
        self.constant(shape, self.activations)
    }

    fn with_option(
        &mut self,
        table: Table,
        slot: u16,
        value: Value,
        first: &Fact,
        results: usize,
    ) -> Table {
        let rank = first.shape.len() as i32;
        let s = &mut self.source;
        match value {
            Value::Padding => table.set(Field(slot, 0i8), s.between(0, 1) as i8),
            Value::Activation => table.set(Field(slot, 0i8), s.pick(&[0i8, 0, 0, 1, 2, 3, 4])),
            Value::Upto(most) => table.set(Field(slot, 0), s.between(1, most)),
            Value::Flag => table.set(Field(slot, false), s.once_in(2)),
            Value::Real(most) => table.set(Field(slot, 0.0), s.byte() as f32 / 128.0 * most),
            Value::Axis => table.set(Field(slot, 0), s.between(-rank, rank - 1)),
            Value::Type => table.set(Field(slot, 0i8), s.pick(&[2i8, 4, 0, 1, 3, 6, 7, 9])),
            Value::Byte(most) => table.set(Field(slot, 0i8), s.between(0, most.into()) as i8),
            Value::Mask => {
                let mask = if s.once_in(3) { s.byte() as i32 } else { 0 };
                table.set(Field(slot, 0), mask)
            }
            Value::Axes => {
                let axes: Vec<i32> = (0..rank).filter(|_| s.once_in(3)).collect();
                table.vector(Ref(slot), &axes)
            }
            Value::Results => table.set(Field(slot, 0), results as i32),
        }
    }

    fn result(&mut self, made: Made, first: &Fact) -> i32 {
        let dtype = match made {
            Made::Same => first.dtype,
            Made::Float => types::F32,
            Made::Bool => types::BOOL,
            Made::Integer => types::I32,
            Made::Quantized => self.source.pick(&[types::I8, types::U8, types::I16]),
            Made::Any => self.source.pick(&[0, 2, 4, 6, 9, 3, 7]),
        };
        let own = &self.network.tensors[first.id as usize];
        let (scale, zero_point) = (own.scale.clone(), own.zero_point.clone());
        let plain = made == Made::Same && scale.is_empty();
        let same = made == Made::Same && scale.len() == 1 && self.source.once_in(2);
        let tensor = match same || plain {
            true => Tensor { dtype, scale, zero_point, ..Tensor::default() },
            false => self.described(Vec::new(), dtype),
        };
        self.network.add(tensor)
    }

    /// The last values, some of them, or all.
    fn choose_outputs(&mut self) {
        let made: Vec<i32> = self.values.iter().map(|v| v.id).collect();
        let from = match self.source.below(4) {
            0 => 0,
            1 => made.len().saturating_sub(3),
            _ => made.len() - 1,
        };
        self.network.outputs = made[from..].to_vec();
    }
}

/// What inference knows of a tensor.
fn fact(graph: &Graph, id: i32) -> Fact {
    let tensor = &graph.tensors[id as usize];
    let dtype = match tensor.dtype {
        DType::F32 => types::F32,
        DType::F16 => types::F16,
        DType::I8 => types::I8,
        DType::U8 => types::U8,
        DType::I16 => types::I16,
        DType::I32 => types::I32,
        DType::I64 => types::I64,
        DType::Bool => types::BOOL,
    };
    Fact { id, shape: tensor.shape.dims().iter().map(|&d| d as i32).collect(), dtype }
}
