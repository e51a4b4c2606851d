//! The tables of builtin options, by number. `TYPE` is the table's number in the union
//! `BuiltinOptions`.

pub mod conv_2d {
    use crate::tflite::flatbuffer::Field;

    pub const TYPE: u8 = 1;
    pub const PADDING: Field<i8> = Field(0, 0);
    pub const STRIDE_W: Field<i32> = Field(1, 0);
    pub const STRIDE_H: Field<i32> = Field(2, 0);
    pub const ACTIVATION: Field<i8> = Field(3, 0);
    pub const DILATION_W: Field<i32> = Field(4, 1);
    pub const DILATION_H: Field<i32> = Field(5, 1);
}

pub mod depthwise_conv_2d {
    use crate::tflite::flatbuffer::Field;

    pub const TYPE: u8 = 2;
    pub const PADDING: Field<i8> = Field(0, 0);
    pub const STRIDE_W: Field<i32> = Field(1, 0);
    pub const STRIDE_H: Field<i32> = Field(2, 0);
    pub const DEPTH_MULTIPLIER: Field<i32> = Field(3, 0);
    pub const ACTIVATION: Field<i8> = Field(4, 0);
    pub const DILATION_W: Field<i32> = Field(5, 1);
    pub const DILATION_H: Field<i32> = Field(6, 1);
}

pub mod pool_2d {
    use crate::tflite::flatbuffer::Field;

    pub const TYPE: u8 = 5;
    pub const PADDING: Field<i8> = Field(0, 0);
    pub const STRIDE_W: Field<i32> = Field(1, 0);
    pub const STRIDE_H: Field<i32> = Field(2, 0);
    pub const FILTER_W: Field<i32> = Field(3, 0);
    pub const FILTER_H: Field<i32> = Field(4, 0);
    pub const ACTIVATION: Field<i8> = Field(5, 0);
}

pub mod fully_connected {
    use crate::tflite::flatbuffer::Field;

    pub const TYPE: u8 = 8;
    pub const ACTIVATION: Field<i8> = Field(0, 0);
    pub const WEIGHTS_FORMAT: Field<i8> = Field(1, 0);
    pub const KEEP_NUM_DIMS: Field<bool> = Field(2, false);
}

pub mod softmax {
    use crate::tflite::flatbuffer::Field;

    pub const TYPE: u8 = 9;
    pub const BETA: Field<f32> = Field(0, 0.0);
}

pub mod concatenation {
    use crate::tflite::flatbuffer::Field;

    pub const TYPE: u8 = 10;
    pub const AXIS: Field<i32> = Field(0, 0);
    pub const ACTIVATION: Field<i8> = Field(1, 0);
}

pub mod add {
    use crate::tflite::flatbuffer::Field;

    pub const TYPE: u8 = 11;
    pub const ACTIVATION: Field<i8> = Field(0, 0);
    pub const POT_SCALE_INT16: Field<bool> = Field(1, true);
}

pub mod resize_bilinear {
    use crate::tflite::flatbuffer::Field;

    pub const TYPE: u8 = 15;
    pub const ALIGN_CORNERS: Field<bool> = Field(2, false);
    pub const HALF_PIXEL_CENTERS: Field<bool> = Field(3, false);
}

pub mod reshape {
    use crate::tflite::flatbuffer::Ref;

    pub const TYPE: u8 = 17;
    pub const NEW_SHAPE: Ref = Ref(0);
}

pub mod space_to_depth {
    use crate::tflite::flatbuffer::Field;

    pub const TYPE: u8 = 19;
    pub const BLOCK_SIZE: Field<i32> = Field(0, 0);
}

pub mod mul {
    use crate::tflite::flatbuffer::Field;

    pub const TYPE: u8 = 21;
    pub const ACTIVATION: Field<i8> = Field(0, 0);
}

pub mod gather {
    use crate::tflite::flatbuffer::Field;

    pub const TYPE: u8 = 23;
    pub const AXIS: Field<i32> = Field(0, 0);
    pub const BATCH_DIMS: Field<i32> = Field(1, 0);
}

pub mod reducer {
    use crate::tflite::flatbuffer::Field;

    pub const TYPE: u8 = 27;
    pub const KEEP_DIMS: Field<bool> = Field(0, false);
}

pub mod sub {
    use crate::tflite::flatbuffer::Field;

    pub const TYPE: u8 = 28;
    pub const ACTIVATION: Field<i8> = Field(0, 0);
    pub const POT_SCALE_INT16: Field<bool> = Field(1, true);
}

pub mod div {
    use crate::tflite::flatbuffer::Field;

    pub const TYPE: u8 = 29;
    pub const ACTIVATION: Field<i8> = Field(0, 0);
}

pub mod squeeze {
    use crate::tflite::flatbuffer::Ref;

    pub const TYPE: u8 = 30;
    pub const SQUEEZE_DIMS: Ref = Ref(0);
}

pub mod strided_slice {
    use crate::tflite::flatbuffer::Field;

    pub const TYPE: u8 = 32;
    pub const BEGIN_MASK: Field<i32> = Field(0, 0);
    pub const END_MASK: Field<i32> = Field(1, 0);
    pub const ELLIPSIS_MASK: Field<i32> = Field(2, 0);
    pub const NEW_AXIS_MASK: Field<i32> = Field(3, 0);
    pub const SHRINK_AXIS_MASK: Field<i32> = Field(4, 0);
    pub const OFFSET: Field<bool> = Field(5, false);
}

pub mod split {
    use crate::tflite::flatbuffer::Field;

    pub const TYPE: u8 = 35;
    pub const NUM_SPLITS: Field<i32> = Field(0, 0);
}

pub mod arg_max {
    use crate::tflite::flatbuffer::Field;

    pub const TYPE: u8 = 40;
    pub const OUTPUT_TYPE: Field<i8> = Field(0, 0);
}

pub mod transpose_conv {
    use crate::tflite::flatbuffer::Field;

    pub const TYPE: u8 = 49;
    pub const PADDING: Field<i8> = Field(0, 0);
    pub const STRIDE_W: Field<i32> = Field(1, 0);
    pub const STRIDE_H: Field<i32> = Field(2, 0);
    pub const ACTIVATION: Field<i8> = Field(3, 0);
}

pub mod shape {
    use crate::tflite::flatbuffer::Field;

    pub const TYPE: u8 = 55;
    pub const OUT_TYPE: Field<i8> = Field(0, 0);
}

pub mod arg_min {
    use crate::tflite::flatbuffer::Field;

    pub const TYPE: u8 = 57;
    pub const OUTPUT_TYPE: Field<i8> = Field(0, 0);
}

pub mod fake_quant {
    use crate::tflite::flatbuffer::Field;

    pub const TYPE: u8 = 58;
    pub const MIN: Field<f32> = Field(0, 0.0);
    pub const MAX: Field<f32> = Field(1, 0.0);
    pub const NUM_BITS: Field<i32> = Field(2, 0);
    pub const NARROW_RANGE: Field<bool> = Field(3, false);
}

pub mod pack {
    use crate::tflite::flatbuffer::Field;

    pub const TYPE: u8 = 59;
    pub const VALUES_COUNT: Field<i32> = Field(0, 0);
    pub const AXIS: Field<i32> = Field(1, 0);
}

pub mod unpack {
    use crate::tflite::flatbuffer::Field;

    pub const TYPE: u8 = 64;
    pub const NUM: Field<i32> = Field(0, 0);
    pub const AXIS: Field<i32> = Field(1, 0);
}

pub mod resize_nearest_neighbor {
    use crate::tflite::flatbuffer::Field;

    pub const TYPE: u8 = 74;
    pub const ALIGN_CORNERS: Field<bool> = Field(0, false);
    pub const HALF_PIXEL_CENTERS: Field<bool> = Field(1, false);
}

pub mod leaky_relu {
    use crate::tflite::flatbuffer::Field;

    pub const TYPE: u8 = 75;
    pub const ALPHA: Field<f32> = Field(0, 0.0);
}

pub mod mirror_pad {
    use crate::tflite::flatbuffer::Field;

    pub const TYPE: u8 = 77;
    pub const MODE: Field<i8> = Field(0, 0);
}

pub mod split_v {
    use crate::tflite::flatbuffer::Field;

    pub const TYPE: u8 = 79;
    pub const NUM_SPLITS: Field<i32> = Field(0, 0);
}

pub mod depth_to_space {
    use crate::tflite::flatbuffer::Field;

    pub const TYPE: u8 = 94;
    pub const BLOCK_SIZE: Field<i32> = Field(0, 0);
}

pub mod batch_matmul {
    use crate::tflite::flatbuffer::Field;

    pub const TYPE: u8 = 101;
    pub const ADJ_X: Field<bool> = Field(0, false);
    pub const ADJ_Y: Field<bool> = Field(1, false);
}

pub mod gelu {
    use crate::tflite::flatbuffer::Field;

    pub const TYPE: u8 = 116;
    pub const APPROXIMATE: Field<bool> = Field(0, false);
}
