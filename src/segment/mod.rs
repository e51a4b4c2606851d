//! Pixels → input tensor, output tensor → mask, and smoothing from frame to frame.

#![forbid(unsafe_code)]

pub mod frame;
pub mod input;
pub mod mask;
mod resize;
pub mod smoothing;

pub use frame::{Frame, PixelFormat, YuvColors, YuvMatrix};
pub use input::{FrameInput, Normalization};
pub use smoothing::Smoothing;

use crate::error::{Error, Result};
use crate::graph::{Graph, TensorId};
use crate::model::Model;
use crate::ops::{Op, Unary};
use crate::tensor::{DType, Grid, TensorDef, View, ViewMut};
use mask::Scores;

/// Pixels of the mask that go through all steps together: few enough for the processor's first
/// cache.
const PART: usize = 1024;

/// Cuts people out of frames with any model that has one image as its input and a mask among its
/// outputs. The model is lent for each call, so that others can use it between frames.
#[derive(Debug)]
pub struct Segmenter {
    layout: Layout,
    normalization: Normalization,
    input: FrameInput,
    smoothing: Smoothing,
    reals: Vec<f32>, // of quantized inputs and outputs; empty where both are float32
    probabilities: Vec<f32>, // of PART pixels
    bytes: Vec<u8>,  // [mask height][mask width]
}

/// What of a model's tensors matters here.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Layout {
    /// `[height, width]` of the input.
    input: [usize; 2],
    /// What a quantized input can hold.
    input_grid: Option<Grid>,
    /// Index of the output that is the mask.
    output: usize,
    /// `[height, width]` of the mask.
    mask: [usize; 2],
    /// What a quantized mask can hold.
    mask_grid: Option<Grid>,
    /// What the numbers of the mask are.
    scores: Scores,
}

impl Segmenter {
    /// For a model that takes colours from 0 to 1.
    ///
    /// Errors: `UnsupportedModel` when the model has not one image `[1, h, w, 3]` as its input, or
    /// no mask among its outputs: `[1, h, w, classes]`, or classes as integers in `[1, h, w]` or
    /// `[1, h, w, 1]`. The message says what it has. Images may be float32 or quantized.
    pub fn new(model: &Model) -> Result<Segmenter> {
        Segmenter::with_normalization(model, Normalization::default())
    }

    /// For a model that takes other colours. Errors as for [`Segmenter::new`].
    pub fn with_normalization(model: &Model, normalization: Normalization) -> Result<Segmenter> {
        let layout = Layout::of(model.graph())?;
        let [height, width] = layout.input;
        let pixels = layout.mask[0] * layout.mask[1];
        Ok(Segmenter {
            layout,
            normalization,
            input: FrameInput::new(height, width, normalization),
            smoothing: Smoothing::new(),
            reals: Vec::new(),
            probabilities: vec![0.0; PART],
            bytes: vec![0; pixels],
        })
    }

    /// Writes a frame into the model's input, resized and normalised, on the model's threads.
    /// Allocates only when the size of frame or model has changed.
    ///
    /// Errors: `BadInput` for frames without pixels or of another length than their size says.
    pub fn load_frame(&mut self, model: &mut Model, frame: &Frame<'_>) -> Result<()> {
        self.follow(model)?;
        let (input, team) = model.input_and_team(0)?;
        match (input, self.layout.input_grid) {
            (ViewMut::F32(out), _) => self.input.load(frame, out, team),
            (out, Some(grid)) => {
                self.reals.resize(out.as_view().len(), 0.0);
                self.input.load(frame, &mut self.reals, team)?;
                grid.store(&self.reals, out);
                Ok(())
            }
            (other, None) => {
                Err(Error::unsupported(format!("an input of {}", other.as_view().dtype())))
            }
        }
    }

    /// The mask of the model's last run, `[height][width]` of [`Segmenter::mask_size`], 0 for
    /// background to 255 for a person. `smoothing` goes from 0 (off) to 1; see
    /// [`Smoothing::apply`].
    pub fn mask(&mut self, model: &Model, smoothing: f32) -> Result<&[u8]> {
        self.follow(model)?;
        let Layout { output, mask: size, mask_grid, scores, .. } = self.layout;
        let stored = model.output(output)?;
        let numbers = match mask_grid {
            Some(grid) => {
                self.reals.resize(stored.len(), 0.0);
                grid.load(stored, &mut self.reals);
                View::F32(&self.reals)
            }
            None => stored,
        };
        let channels = numbers.len() / self.bytes.len();
        self.smoothing.begin(size, smoothing);
        for (part, bytes) in self.bytes.chunks_mut(PART).enumerate() {
            let (start, end) = (part * PART, part * PART + bytes.len());
            let probabilities = &mut self.probabilities[..bytes.len()];
            let numbers = numbers.slice(start * channels..end * channels);
            mask::probabilities(numbers, scores, probabilities)?;
            self.smoothing.apply(start, probabilities);
            mask::to_bytes(probabilities, bytes);
        }
        Ok(&self.bytes)
    }

    /// What the model says of each pixel in its last run, `[height][width][channels]` as real
    /// numbers, and what these are. Classes come as one number each.
    pub fn scores(&mut self, model: &Model) -> Result<(Scores, Vec<f32>)> {
        self.follow(model)?;
        let Layout { output, mask_grid, scores, .. } = self.layout;
        let stored = model.output(output)?;
        let mut numbers = vec![0.0; stored.len()];
        match (stored, mask_grid) {
            (stored, Some(grid)) => grid.load(stored, &mut numbers),
            (View::F32(v), _) => numbers.copy_from_slice(v),
            (View::I32(v), _) => numbers.iter_mut().zip(v).for_each(|(n, &c)| *n = c as f32),
            (View::I64(v), _) => numbers.iter_mut().zip(v).for_each(|(n, &c)| *n = c as f32),
            (other, None) => {
                return Err(Error::unsupported(format!("a mask of {}", other.dtype())));
            }
        }
        Ok((scores, numbers))
    }

    /// `[height, width]` of the mask.
    pub fn mask_size(&self) -> [usize; 2] {
        self.layout.mask
    }

    /// Lets the next mask start without the ones before.
    pub fn reset(&mut self) {
        self.smoothing.reset();
    }

    /// Takes over the sizes of a model that was resized.
    fn follow(&mut self, model: &Model) -> Result<()> {
        if self.layout != Layout::of(model.graph())? {
            *self = Segmenter::with_normalization(model, self.normalization)?;
        }
        Ok(())
    }
}

impl Layout {
    fn of(graph: &Graph) -> Result<Layout> {
        let [input] = graph.inputs[..] else {
            let count = graph.inputs.len();
            return Err(Error::unsupported(format!(
                "a segmentation model has one input, this one has {count}"
            )));
        };
        let input = graph.tensor(input);
        let input_grid = grid(input);
        let [1, height, width, 3] = *input.shape.dims() else {
            return Err(no_image(input));
        };
        if height * width == 0 || input.dtype != DType::F32 && input_grid.is_none() {
            return Err(no_image(input));
        }
        let mut outputs = graph.outputs.iter().enumerate();
        let mask = outputs.find_map(|(i, &id)| Some((i, id, mask_of(graph, id)?)));
        let Some((output, id, (mask, scores))) = mask else {
            let describe = |t: &TensorDef| format!("{} of {}", t.shape, t.dtype);
            let has: Vec<String> =
                graph.outputs.iter().take(4).map(|&id| describe(graph.tensor(id))).collect();
            return Err(Error::unsupported(format!(
                "a segmentation model makes a mask 1xHxWxC, this one makes {}",
                if has.is_empty() { "nothing".to_string() } else { has.join(", ") }
            )));
        };
        let mask_grid = grid(graph.tensor(id));
        Ok(Layout { input: [height, width], input_grid, output, mask, mask_grid, scores })
    }
}

fn no_image(input: &TensorDef) -> Error {
    Error::unsupported(format!(
        "a segmentation model takes an image 1xHxWx3 of float32 or of quantized integers, this \
         one takes {} of {}",
        input.shape, input.dtype
    ))
}

fn grid(tensor: &TensorDef) -> Option<Grid> {
    Grid::of(tensor.dtype, tensor.quantization.as_ref())
}

/// `[height, width]` of an output that is a mask, and what its numbers are.
fn mask_of(graph: &Graph, id: TensorId) -> Option<([usize; 2], Scores)> {
    let tensor = graph.tensor(id);
    if tensor.shape.elements() == 0 {
        return None;
    }
    let classes = matches!(tensor.dtype, DType::I32 | DType::I64);
    match *tensor.shape.dims() {
        [1, h, w] | [1, h, w, 1] if classes => Some(([h, w], Scores::Classes)),
        [1, h, w, channels] if tensor.dtype == DType::F32 || grid(tensor).is_some() => {
            let scores = match channels {
                1 => Scores::Probability,
                _ if ends_in_probabilities(graph, id) => Scores::Probabilities(channels),
                _ => Scores::Logits(channels),
            };
            Some(([h, w], scores))
        }
        _ => None,
    }
}

/// Whether the last operator that computes a tensor makes probabilities.
fn ends_in_probabilities(graph: &Graph, mut id: TensorId) -> bool {
    for node in graph.nodes.iter().rev() {
        if !node.outputs.contains(&id) {
            continue;
        }
        match (&node.op, node.inputs.first()) {
            (Op::Quantize(_) | Op::Dequantize | Op::FakeQuant(_), Some(Some(input))) => id = *input,
            (op, _) => {
                let logistic = Some(Unary::Logistic);
                return matches!(op, Op::Softmax(softmax) if !softmax.log)
                    || op.activation() == logistic
                    || matches!(op, Op::Unary(unary) if Some(*unary) == logistic);
            }
        }
    }
    false
}
