//! Networks built layer by layer, in any numeric form, for the tests of advice.
#![allow(dead_code)]

use octomask::error::OpRef;
use octomask::graph::{Graph, Node, TensorId};
use octomask::ops::layout::{Join, Layout, Pad};
use octomask::ops::{
    Binary, BinaryKind, Conv2d, DepthwiseConv2d, Op, Padding, ResizeBilinear, TransposeConv, Unary,
    Window,
};
use octomask::tensor::{DType, Data, Quantization, Shape, TensorDef, f32_to_f16};
use std::sync::Arc;

/// How numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// float32 throughout.
    F32,
    /// Weights as half floats, which are widened.
    F16,
    /// Weights as int8, activations in float32.
    Dynamic,
    /// int8 throughout, weights with a scale for each channel.
    I8,
}

impl Form {
    pub const ALL: [Form; 4] = [Form::F32, Form::F16, Form::Dynamic, Form::I8];
}

/// A network that grows: each layer reads what the one before made.
#[derive(Debug, Clone)]
pub struct Net {
    pub graph: Graph,
    /// What the last layer made.
    pub last: TensorId,
    /// How the next layers store numbers.
    pub form: Form,
}

/// One stride and dilation in both directions, padding SAME.
pub fn window(stride: usize, dilation: usize) -> Window {
    Window { stride: [stride; 2], dilation: [dilation; 2], padding: Padding::Same }
}

impl Net {
    /// An input of one image.
    pub fn new(sides: [usize; 2], channels: usize) -> Net {
        Net::of_form(Form::F32, sides, channels)
    }

    /// The same in another form.
    pub fn of_form(form: Form, [h, w]: [usize; 2], channels: usize) -> Net {
        let mut net = Net { graph: Graph::default(), last: TensorId(0), form };
        net.graph.name = "net".into();
        net.last = net.activation();
        net.graph.tensors[0].shape = Shape::new([1, h, w, channels]).unwrap();
        net.graph.inputs.push(net.last);
        net
    }

    fn tensor(
        &mut self,
        shape: &[usize],
        dtype: DType,
        q: Option<Quantization>,
        data: Option<Data>,
    ) -> TensorId {
        let name = format!("t{}", self.graph.tensors.len());
        let (shape, data) = (Shape::new(shape).unwrap(), data.map(Arc::new));
        self.graph.add_tensor(TensorDef { name, shape, dtype, quantization: q, data })
    }

    /// A tensor that a node makes.
    fn activation(&mut self) -> TensorId {
        match self.form {
            Form::I8 => self.tensor(&[], DType::I8, Some(Quantization::per_tensor(0.05, -4)), None),
            _ => self.tensor(&[], DType::F32, None, None),
        }
    }

    /// Extents of what the last layer made.
    pub fn dims(&self) -> Vec<usize> {
        self.graph.tensor(self.last).shape.dims().to_vec()
    }

    fn channels(&self) -> usize {
        *self.dims().last().unwrap()
    }

    /// A constant.
    pub fn constant(&mut self, shape: &[usize], data: Data) -> TensorId {
        self.tensor(shape, data.dtype(), None, Some(data))
    }

    /// A list of int32.
    pub fn list(&mut self, values: &[i32]) -> TensorId {
        self.constant(&[values.len()], Data::I32(values.to_vec()))
    }

    /// Numbers from -1 to 1 that add up to little.
    fn values(count: usize) -> impl Iterator<Item = f32> {
        (0..count).map(|i| ((i * 7919 % 1009) as f32 / 504.5 - 1.0) * 0.2)
    }

    /// Weights in the net's form; the axis of their channels.
    pub fn weights(&mut self, shape: &[usize], axis: usize) -> TensorId {
        let count = shape.iter().product();
        let bytes = || Net::values(count).map(|v| (v * 500.0) as i8).collect();
        match self.form {
            Form::F32 => self.constant(shape, Data::F32(Net::values(count).collect())),
            Form::F16 => {
                let half =
                    self.constant(shape, Data::F16(Net::values(count).map(f32_to_f16).collect()));
                let wide = self.tensor(&[], DType::F32, None, None);
                self.push(Op::Dequantize, &[half], wide)
            }
            Form::Dynamic | Form::I8 => {
                let channels = shape[axis];
                let scale = (0..channels).map(|c| 0.002 + 0.0001 * (c % 5) as f32).collect();
                let q = Quantization { scale, zero_point: vec![0; channels], axis };
                self.tensor(shape, DType::I8, Some(q), Some(Data::I8(bytes())))
            }
        }
    }

    /// Adds a node that makes a tensor which is there.
    pub fn push(&mut self, op: Op, inputs: &[TensorId], output: TensorId) -> TensorId {
        let index = self.graph.nodes.len();
        let covers = vec![OpRef { index, name: op.name().to_string() }];
        let inputs = inputs.iter().map(|&id| Some(id)).collect();
        self.graph.nodes.push(Node { op, inputs, outputs: vec![output], grid: None, covers });
        self.graph.infer_node(index).unwrap();
        output
    }

    /// Adds a node of some operands; the net goes on from what it makes.
    pub fn node(&mut self, op: Op, inputs: &[TensorId]) -> TensorId {
        let output = self.activation();
        self.last = self.push(op, inputs, output);
        self.last
    }

    /// Adds a node that makes float32, or integers.
    pub fn plain_node(&mut self, op: Op, inputs: &[TensorId]) -> TensorId {
        let output = self.tensor(&[], DType::F32, None, None);
        self.last = self.push(op, inputs, output);
        self.last
    }

    fn weighted(&mut self, op: Op, shape: [usize; 4], axis: usize) -> TensorId {
        let x = self.last;
        let filter = self.weights(&shape, axis);
        let bias = match self.form {
            Form::I8 => {
                let scales = self.graph.tensor(filter).quantization.clone().unwrap();
                let scale = scales.scale.iter().map(|s| s * 0.05).collect();
                let q = Quantization { scale, zero_point: scales.zero_point, axis: 0 };
                let data = Data::I32((0..shape[axis] as i32).collect());
                self.tensor(&[shape[axis]], DType::I32, Some(q), Some(data))
            }
            Form::Dynamic => {
                self.constant(&[shape[axis]], Data::F32(Net::values(shape[axis]).collect()))
            }
            _ => self.weights(&[shape[axis]], 0),
        };
        self.node(op, &[x, filter, bias])
    }

    /// CONV_2D with padding SAME.
    pub fn conv_2d(
        &mut self,
        channels: usize,
        kernel: usize,
        window: Window,
        activation: Option<Unary>,
    ) -> TensorId {
        let shape = [channels, kernel, kernel, self.channels()];
        self.weighted(Op::Conv2d(Conv2d { window, activation }), shape, 0)
    }

    /// Without an activation.
    pub fn conv(&mut self, channels: usize, kernel: usize, stride: usize) -> TensorId {
        self.conv_2d(channels, kernel, window(stride, 1), None)
    }

    /// With RELU.
    pub fn relu_conv(&mut self, channels: usize, kernel: usize, stride: usize) -> TensorId {
        self.conv_2d(channels, kernel, window(stride, 1), Some(Unary::Relu))
    }

    /// DEPTHWISE_CONV_2D.
    pub fn depthwise_2d(
        &mut self,
        kernel: usize,
        window: Window,
        activation: Option<Unary>,
    ) -> TensorId {
        let shape = [1, kernel, kernel, self.channels()];
        self.weighted(Op::DepthwiseConv2d(DepthwiseConv2d { window, activation }), shape, 3)
    }

    /// With RELU.
    pub fn depthwise(&mut self, kernel: usize, stride: usize) -> TensorId {
        self.depthwise_2d(kernel, window(stride, 1), Some(Unary::Relu))
    }

    /// TRANSPOSE_CONV to images `stride` times as large.
    pub fn transpose_conv(&mut self, channels: usize, kernel: usize, stride: usize) -> TensorId {
        let [n, h, w, ci] = self.dims()[..] else { panic!("no image") };
        let x = self.last;
        let size = [n, h * stride, w * stride, channels].map(|d| d as i32);
        let size = self.list(&size);
        let filter = self.weights(&[channels, kernel, kernel, ci], 0);
        let op = TransposeConv {
            stride: [stride; 2],
            padding: Padding::Same,
            activation: None,
            rounds_twice: false,
        };
        self.node(Op::TransposeConv(op), &[size, filter, x])
    }

    /// A function of each element.
    pub fn unary(&mut self, function: Unary) -> TensorId {
        self.node(Op::Unary(function), &[self.last])
    }

    /// ADD or its kin of what the last layer made and something else.
    pub fn binary(&mut self, kind: BinaryKind, other: TensorId) -> TensorId {
        self.node(Op::Binary(Binary { kind, activation: None }), &[self.last, other])
    }

    /// RESIZE_BILINEAR to images so many times as large.
    pub fn enlarge(&mut self, times: usize) -> TensorId {
        let x = self.last;
        let [h, w] = [1, 2].map(|a| (self.dims()[a] * times) as i32);
        let size = self.list(&[h, w]);
        let op =
            ResizeBilinear { align_corners: false, half_pixel_centers: true, fixed_point: false };
        self.node(Op::ResizeBilinear(op), &[x, size])
    }

    /// CONCATENATION of channels: what the last layer made, and something else.
    pub fn concat(&mut self, other: TensorId) -> TensorId {
        let join = Op::Layout(Layout::Join(Join::Concatenation(3)));
        self.node(join, &[self.last, other])
    }

    /// A border of zeros, or by a rule of `pad`, of so many pixels before and after.
    pub fn pad(&mut self, pad: Pad, [before, after]: [i32; 2]) -> TensorId {
        let x = self.last;
        let margins = [0, 0, before, after, before, after, 0, 0];
        let margins = self.constant(&[4, 2], Data::I32(margins.to_vec()));
        self.node(Op::Layout(Layout::Pad(pad)), &[x, margins])
    }

    /// TRANSPOSE.
    pub fn transpose(&mut self, axes: &[i32]) -> TensorId {
        let x = self.last;
        let axes = self.list(axes);
        self.node(Op::Layout(Layout::Transpose), &[x, axes])
    }

    /// The network, which makes what the last layer made.
    pub fn done(mut self) -> Net {
        self.graph.outputs = vec![self.last];
        self.graph.validate().unwrap();
        self
    }
}
