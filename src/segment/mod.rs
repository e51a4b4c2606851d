//! Pixels → input tensor, output tensor → mask, and smoothing from frame to frame.

#![forbid(unsafe_code)]

pub mod input;
pub mod mask;
pub mod smoothing;

pub use input::{FrameInput, Normalization};
pub use smoothing::Smoothing;

use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::model::Model;
use crate::tensor::{DType, TensorDef, ViewMut};

/// Cuts people out of frames with any model that has one image as its input and a mask among its
/// outputs. The model is lent for each call, so that others can use it between frames.
#[derive(Debug)]
pub struct Segmenter {
    shapes: Shapes,
    normalization: Normalization,
    input: FrameInput,
    smoothing: Smoothing,
    probabilities: Vec<f32>, // [mask height][mask width]
    bytes: Vec<u8>,          // [mask height][mask width]
}

/// What of a model's shapes matters here.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Shapes {
    /// `[height, width]` of the input.
    input: [usize; 2],
    /// Index of the output that is the mask.
    output: usize,
    /// `[height, width]` of the mask.
    mask: [usize; 2],
    /// Channels of the mask.
    channels: usize,
}

impl Segmenter {
    /// For a model that takes colours from 0 to 1.
    ///
    /// Errors: `UnsupportedModel` when the model has not one image `[1, h, w, 3]` of float32 as
    /// its input, or no image of float32 among its outputs; the message says what it has.
    pub fn new(model: &Model) -> Result<Segmenter> {
        Segmenter::with_normalization(model, Normalization::default())
    }

    /// For a model that takes other colours. Errors as for [`Segmenter::new`].
    pub fn with_normalization(model: &Model, normalization: Normalization) -> Result<Segmenter> {
        let shapes = Shapes::of(model.graph())?;
        let [height, width] = shapes.input;
        let pixels = shapes.mask[0] * shapes.mask[1];
        Ok(Segmenter {
            shapes,
            normalization,
            input: FrameInput::new(height, width, normalization),
            smoothing: Smoothing::new(),
            probabilities: vec![0.0; pixels],
            bytes: vec![0; pixels],
        })
    }

    /// Writes a frame, `[height][width][rgba]`, into the model's input, resized and normalised.
    /// Allocates only when the size of frame or model has changed.
    ///
    /// Errors: `BadInput` for frames without pixels or of another length than their size says.
    pub fn load_frame(
        &mut self,
        model: &mut Model,
        rgba: &[u8],
        width: usize,
        height: usize,
    ) -> Result<()> {
        self.follow(model)?;
        match model.input_mut(0)? {
            ViewMut::F32(out) => self.input.load(rgba, width, height, out),
            other => Err(Error::unsupported(format!("an input of {}", other.as_view().dtype()))),
        }
    }

    /// The mask of the model's last run, `[height][width]` of [`Segmenter::mask_size`], 0 for
    /// background to 255 for a person. `smoothing` goes from 0 (off) to 1; see
    /// [`Smoothing::apply`].
    pub fn mask(&mut self, model: &Model, smoothing: f32) -> Result<&[u8]> {
        self.follow(model)?;
        let Shapes { output, mask: size, channels, .. } = self.shapes;
        mask::probabilities(model.output(output)?, channels, &mut self.probabilities)?;
        self.smoothing.apply(&mut self.probabilities, size, smoothing);
        mask::to_bytes(&self.probabilities, &mut self.bytes);
        Ok(&self.bytes)
    }

    /// `[height, width]` of the mask.
    pub fn mask_size(&self) -> [usize; 2] {
        self.shapes.mask
    }

    /// Lets the next mask start without the ones before.
    pub fn reset(&mut self) {
        self.smoothing.reset();
    }

    /// Takes over the sizes of a model that was resized.
    fn follow(&mut self, model: &Model) -> Result<()> {
        if self.shapes != Shapes::of(model.graph())? {
            *self = Segmenter::with_normalization(model, self.normalization)?;
        }
        Ok(())
    }
}

impl Shapes {
    fn of(graph: &Graph) -> Result<Shapes> {
        let [input] = graph.inputs[..] else {
            let count = graph.inputs.len();
            return Err(Error::unsupported(format!(
                "a segmentation model has one input, this one has {count}"
            )));
        };
        let input = graph.tensor(input);
        let Some([height, width, 3]) = image(input) else {
            return Err(Error::unsupported(format!(
                "a segmentation model takes an image 1xHxWx3 of float32, this one takes {} of {}",
                input.shape, input.dtype
            )));
        };
        let mut outputs = graph.outputs.iter().enumerate();
        let mask = outputs.find_map(|(i, &id)| Some((i, image(graph.tensor(id))?)));
        let Some((output, [mask_height, mask_width, channels])) = mask else {
            let describe = |t: &TensorDef| format!("{} of {}", t.shape, t.dtype);
            let has: Vec<String> =
                graph.outputs.iter().take(4).map(|&id| describe(graph.tensor(id))).collect();
            return Err(Error::unsupported(format!(
                "a segmentation model makes a mask 1xHxWxC of float32, this one makes {}",
                if has.is_empty() { "nothing".to_string() } else { has.join(", ") }
            )));
        };
        let mask = [mask_height, mask_width];
        Ok(Shapes { input: [height, width], output, mask, channels })
    }
}

/// `[height, width, channels]` of a tensor that is one image of float32.
fn image(tensor: &TensorDef) -> Option<[usize; 3]> {
    match *tensor.shape.dims() {
        [1, h, w, c] if tensor.dtype == DType::F32 && h > 0 && w > 0 && c > 0 => Some([h, w, c]),
        _ => None,
    }
}
