//! Float32 networks, layer by layer, as TensorFlow's converter makes them of Keras layers: batch normalization is in
//! the weights already, and an activation that a convolution can apply itself is its own.
//!
//! Weights are random, and as large as keeps activations in their range (He et al., "Delving deep into rectifiers",
//! 2015). Layers are named as Keras does it: `conv2d`, `conv2d_1` and so on.

use crate::error::{OpRef, Result};
use crate::graph::{Graph, Node, TensorId};
use crate::ops::layout::{Cut, Join, Reshape};
use crate::ops::{
    ArgReduce, Binary, BinaryKind, Conv2d, DepthwiseConv2d, Layout, Op, Padding, ResizeBilinear,
    ResizeNearest, Softmax, TransposeConv, Unary, Window,
};
use crate::random::Random;
use crate::tensor::{DType, Data, Shape, TensorDef};
use std::collections::HashMap;
use std::sync::Arc;

/// A convolution with SAME padding.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Conv {
    /// Output channels.
    pub filters: usize,
    /// Rows and columns of the window.
    pub kernel: usize,
    /// Pixels from one window to the next; of a transposed convolution, from one result to the next.
    pub stride: usize,
    /// Pixels from one tap to the next.
    pub dilation: usize,
    /// What becomes of the sums.
    pub activation: Option<Unary>,
}

impl Conv {
    /// A dense window at every pixel, without activation.
    pub fn new(filters: usize, kernel: usize) -> Conv {
        Conv { filters, kernel, stride: 1, dilation: 1, activation: None }
    }

    /// The same at every `stride`-th pixel.
    pub fn stride(self, stride: usize) -> Conv {
        Conv { stride, ..self }
    }

    /// The same with taps `dilation` pixels apart.
    pub fn dilation(self, dilation: usize) -> Conv {
        Conv { dilation, ..self }
    }

    /// The same with an activation.
    pub fn activation(self, activation: Unary) -> Conv {
        Conv { activation: Some(activation), ..self }
    }

    /// The same with RELU.
    pub fn relu(self) -> Conv {
        self.activation(Unary::Relu)
    }

    fn window(&self) -> Window {
        let (stride, dilation) = ([self.stride; 2], [self.dilation; 2]);
        Window { stride, dilation, padding: Padding::Same }
    }

    /// The activation that the convolution applies, and the one that has to follow it.
    fn activations(&self) -> (Option<Unary>, Option<Unary>) {
        match self.activation {
            fused @ Some(Unary::Relu | Unary::Relu6 | Unary::ReluN1To1) => (fused, None),
            follows => (None, follows),
        }
    }
}

/// A network while it is built. Every layer returns what it makes, `[1, height, width, channels]`; errors say what
/// does not fit, or is too large.
#[derive(Debug)]
pub struct Builder {
    graph: Graph,
    random: Random,
    /// How many layers of a name there are.
    names: HashMap<&'static str, usize>,
}

impl Builder {
    /// An empty network, with the weights of a seed.
    pub fn new(name: &str, seed: u32) -> Builder {
        let graph = Graph { name: name.to_string(), ..Graph::default() };
        Builder { graph, random: Random::new(seed), names: HashMap::new() }
    }

    /// What the caller provides: `[1, height, width, channels]`.
    pub fn input(&mut self, [height, width]: [usize; 2], channels: usize) -> Result<TensorId> {
        let name = self.name("input");
        let shape = Shape::new([1, height, width, channels])?;
        let id = self.tensor(&name, shape, DType::F32, None);
        self.graph.inputs.push(id);
        Ok(id)
    }

    /// The extents of what a layer made.
    pub fn extents(&self, x: TensorId) -> Result<[usize; 4]> {
        self.graph.tensor(x).shape.nhwc()
    }

    /// CONV_2D.
    pub fn conv2d(&mut self, x: TensorId, conv: Conv) -> Result<TensorId> {
        let [_, _, _, channels] = self.extents(x)?;
        let taps = conv.kernel.saturating_mul(conv.kernel);
        let name = self.name("conv2d");
        let filter = [conv.filters, conv.kernel, conv.kernel, channels];
        let weights = self.weights(&name, filter, taps.saturating_mul(channels), conv.filters)?;
        let (activation, follows) = conv.activations();
        let op = Op::Conv2d(Conv2d { window: conv.window(), activation });
        let y = self.node(&name, op, &[x, weights[0], weights[1]])?;
        self.followed(y, follows)
    }

    /// DEPTHWISE_CONV_2D. The filters are as many as the channels, or a multiple.
    pub fn depthwise(&mut self, x: TensorId, conv: Conv) -> Result<TensorId> {
        let taps = conv.kernel.saturating_mul(conv.kernel);
        let name = self.name("depthwise_conv2d");
        let filter = [1, conv.kernel, conv.kernel, conv.filters];
        let weights = self.weights(&name, filter, taps, conv.filters)?;
        let (activation, follows) = conv.activations();
        let op = Op::DepthwiseConv2d(DepthwiseConv2d { window: conv.window(), activation });
        let y = self.node(&name, op, &[x, weights[0], weights[1]])?;
        self.followed(y, follows)
    }

    /// Keras' SeparableConv2D: a depthwise convolution, and a 1x1 one that joins the channels.
    pub fn separable(&mut self, x: TensorId, conv: Conv) -> Result<TensorId> {
        let [_, _, _, channels] = self.extents(x)?;
        let depthwise = Conv { filters: channels, activation: None, ..conv };
        let y = self.depthwise(x, depthwise)?;
        self.conv2d(y, Conv { activation: conv.activation, ..Conv::new(conv.filters, 1) })
    }

    /// TRANSPOSE_CONV to `stride` times as many rows and columns: Keras' Conv2DTranspose.
    pub fn transpose_conv(&mut self, x: TensorId, conv: Conv) -> Result<TensorId> {
        let [n, height, width, channels] = self.extents(x)?;
        let taps = conv.kernel.saturating_mul(conv.kernel);
        let name = self.name("conv2d_transpose");
        let filter = [conv.filters, conv.kernel, conv.kernel, channels];
        // Each result is reached by as many taps.
        let reached =
            taps.saturating_mul(channels) / conv.stride.saturating_mul(conv.stride).max(1);
        let weights = self.weights(&name, filter, reached, conv.filters)?;
        let size = [
            n,
            height.saturating_mul(conv.stride),
            width.saturating_mul(conv.stride),
            conv.filters,
        ];
        let size = self.list(&format!("{name}/size"), &size)?;
        let (activation, follows) = conv.activations();
        let (stride, padding) = ([conv.stride; 2], Padding::Same);
        let op = TransposeConv { stride, padding, activation, rounds_twice: false };
        let y = self.node(&name, Op::TransposeConv(op), &[size, weights[0], x, weights[1]])?;
        self.followed(y, follows)
    }

    /// RESIZE_BILINEAR to `[height, width]`: Keras' UpSampling2D.
    pub fn resize_bilinear(&mut self, x: TensorId, to: [usize; 2]) -> Result<TensorId> {
        let op =
            ResizeBilinear { align_corners: false, half_pixel_centers: true, fixed_point: false };
        self.resize(x, to, Op::ResizeBilinear(op))
    }

    /// RESIZE_NEAREST_NEIGHBOR to `[height, width]`.
    pub fn resize_nearest(&mut self, x: TensorId, to: [usize; 2]) -> Result<TensorId> {
        let op = ResizeNearest { align_corners: false, half_pixel_centers: true };
        self.resize(x, to, Op::ResizeNearest(op))
    }

    fn resize(&mut self, x: TensorId, to: [usize; 2], op: Op) -> Result<TensorId> {
        let name = self.name("up_sampling2d");
        let size = self.list(&format!("{name}/size"), &to)?;
        self.node(&name, op, &[x, size])
    }

    /// ADD.
    pub fn add(&mut self, a: TensorId, b: TensorId, activation: Option<Unary>) -> Result<TensorId> {
        let name = self.name("add");
        let op = Op::Binary(Binary { kind: BinaryKind::Add, activation });
        self.node(&name, op, &[a, b])
    }

    /// CONCATENATION of channels.
    pub fn concat(&mut self, parts: &[TensorId]) -> Result<TensorId> {
        let name = self.name("concatenate");
        self.node(&name, Op::Layout(Layout::Join(Join::Concatenation(3))), parts)
    }

    /// SPLIT of the channels into equal parts.
    pub fn split(&mut self, x: TensorId, parts: usize) -> Result<Vec<TensorId>> {
        let name = self.name("split");
        let axis = self.constant(&format!("{name}/axis"), Shape::new([])?, Data::I32(vec![3]));
        self.node_of(&name, Op::Layout(Layout::Cut(Cut::Split(parts))), &[axis, x], parts)
    }

    /// Channel `i` of `groups` groups goes to where the next group's channel `i` follows: RESHAPE, TRANSPOSE,
    /// RESHAPE, as ShuffleNet is written.
    pub fn shuffle(&mut self, x: TensorId, groups: usize) -> Result<TensorId> {
        let [n, height, width, channels] = self.extents(x)?;
        let name = self.name("shuffle");
        let each = channels.checked_div(groups).unwrap_or(0);
        let apart = self.list(&format!("{name}/groups"), &[n, height, width, groups, each])?;
        let order = self.list(&format!("{name}/order"), &[0, 1, 2, 4, 3])?;
        let whole = self.list(&format!("{name}/channels"), &[n, height, width, channels])?;
        let reshape = || Op::Layout(Layout::Reshape(Reshape::Reshape(Vec::new())));
        let y = self.node(&format!("{name}/apart"), reshape(), &[x, apart])?;
        let y =
            self.node(&format!("{name}/transposed"), Op::Layout(Layout::Transpose), &[y, order])?;
        self.node(&name, reshape(), &[y, whole])
    }

    /// A function of each value, as an operator of its own.
    pub fn activation(&mut self, x: TensorId, function: Unary) -> Result<TensorId> {
        let name = self.name("activation");
        self.node(&name, Op::Unary(function), &[x])
    }

    /// SOFTMAX over the channels.
    pub fn softmax(&mut self, x: TensorId) -> Result<TensorId> {
        let name = self.name("softmax");
        self.node(&name, Op::Softmax(Softmax { beta: 1.0, log: false }), &[x])
    }

    /// ARG_MAX over the channels: int32 `[1, height, width]`.
    pub fn argmax(&mut self, x: TensorId) -> Result<TensorId> {
        let name = self.name("argmax");
        let axis = self.constant(&format!("{name}/axis"), Shape::new([])?, Data::I32(vec![3]));
        self.node(&name, Op::ArgReduce(ArgReduce { min: false, dtype: DType::I32 }), &[x, axis])
    }

    /// The network, with what the caller gets.
    pub fn finish(mut self, outputs: &[TensorId]) -> Result<Graph> {
        self.graph.outputs = outputs.to_vec();
        self.graph.validate()?;
        Ok(self.graph)
    }

    fn name(&mut self, layer: &'static str) -> String {
        let count = self.names.entry(layer).or_default();
        *count += 1;
        match *count {
            1 => layer.to_string(),
            n => format!("{layer}_{}", n - 1),
        }
    }

    fn tensor(&mut self, name: &str, shape: Shape, dtype: DType, data: Option<Data>) -> TensorId {
        let (name, data) = (name.to_string(), data.map(Arc::new));
        self.graph.add_tensor(TensorDef { name, shape, dtype, quantization: None, data })
    }

    fn constant(&mut self, name: &str, shape: Shape, data: Data) -> TensorId {
        self.tensor(name, shape, data.dtype(), Some(data))
    }

    /// A list of sizes or axes.
    fn list(&mut self, name: &str, values: &[usize]) -> Result<TensorId> {
        let wide = |&value: &usize| i32::try_from(value).unwrap_or(i32::MAX);
        let shape = Shape::new([values.len()])?;
        Ok(self.constant(name, shape, Data::I32(values.iter().map(wide).collect())))
    }

    /// A filter and a bias, for sums of `summed` products.
    fn weights(
        &mut self,
        layer: &str,
        filter: [usize; 4],
        summed: usize,
        filters: usize,
    ) -> Result<[TensorId; 2]> {
        let shapes = [Shape::new(filter)?, Shape::new([filters])?];
        // Even numbers of [-r, r) have a variance of r² / 3; sums of products with what RELU leaves want 2 / summed.
        let reach = (6.0 / summed.max(1) as f32).sqrt();
        let filter = Data::F32(self.random.floats(shapes[0].elements(), reach));
        let bias = Data::F32(self.random.floats(filters, 0.1));
        let [filter_shape, bias_shape] = shapes;
        Ok([
            self.constant(&format!("{layer}/kernel"), filter_shape, filter),
            self.constant(&format!("{layer}/bias"), bias_shape, bias),
        ])
    }

    fn followed(&mut self, y: TensorId, activation: Option<Unary>) -> Result<TensorId> {
        activation.map_or(Ok(y), |function| self.activation(y, function))
    }

    fn node(&mut self, name: &str, op: Op, inputs: &[TensorId]) -> Result<TensorId> {
        Ok(self.node_of(name, op, inputs, 1)?[0])
    }

    /// An operator that makes `count` tensors.
    fn node_of(
        &mut self,
        name: &str,
        op: Op,
        inputs: &[TensorId],
        count: usize,
    ) -> Result<Vec<TensorId>> {
        let index = self.graph.nodes.len();
        let outputs: Result<Vec<TensorId>> = (0..count)
            .map(|k| {
                let name = if k == 0 { name.to_string() } else { format!("{name}:{k}") };
                Ok(self.tensor(&name, Shape::new([])?, DType::F32, None))
            })
            .collect();
        let outputs = outputs?;
        self.graph.nodes.push(Node {
            covers: vec![OpRef { index, name: op.name().to_string() }],
            op,
            inputs: inputs.iter().map(|&id| Some(id)).collect(),
            outputs: outputs.clone(),
            grid: None,
        });
        self.graph.infer_node(index)?;
        Ok(outputs)
    }
}
