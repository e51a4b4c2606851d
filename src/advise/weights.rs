//! Weights for layers that are proposed: random, since only the time they take is asked for, but always the
//! same and of a size that keeps what flows through them within bounds.

use crate::error::{Error, Result};
use crate::tensor::{DType, Data, Quantization, Shape, TensorDef, f32_to_f16};
use std::sync::Arc;

/// Numbers that look random: SplitMix64 (Steele, Lea and Flood 2014).
#[derive(Debug, Default)]
pub struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// From -1 up to 1.
    pub fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    fn byte(&mut self) -> u8 {
        (self.next() >> 56) as u8
    }
}

/// So many weights of sums of `terms`: their variance is `1 / terms`, as He and others have it, so that sums
/// are about as large as what is summed.
pub fn floats(count: usize, terms: usize, random: &mut Random) -> Vec<f32> {
    let largest = (3.0 / terms.max(1) as f32).sqrt();
    (0..count).map(|_| random.unit() * largest).collect()
}

/// New weights stored as another constant is: float32, half floats, or integers with its scales.
///
/// `axis`: where scales of their own for each slice go; where their number is another one they repeat.
pub fn like(
    tensor: &TensorDef,
    shape: Shape,
    axis: usize,
    random: &mut Random,
) -> Result<TensorDef> {
    let count = shape.elements();
    let channels = shape.dims().get(axis).copied().unwrap_or(1).max(1);
    let terms = count / channels;
    let data = match tensor.dtype {
        DType::F32 => Data::F32(floats(count, terms, random)),
        DType::F16 => {
            let values = floats(count, terms, random);
            Data::F16(values.into_iter().map(f32_to_f16).collect())
        }
        // -128 is left out, as TFLite has it.
        DType::I8 => Data::I8((0..count).map(|_| (random.byte() as i8).max(-127)).collect()),
        DType::U8 => Data::U8((0..count).map(|_| random.byte()).collect()),
        other => return Err(Error::unsupported(format!("weights of {other}"))),
    };
    let quantization = tensor.quantization.as_ref().map(|q| match q.scale.len() {
        0 | 1 => q.clone(),
        n => Quantization {
            scale: (0..channels).map(|c| q.scale[c % n]).collect(),
            zero_point: (0..channels).map(|c| q.zero_point[c % n]).collect(),
            axis,
        },
    });
    let (name, dtype, data) = (String::new(), tensor.dtype, Some(Arc::new(data)));
    Ok(TensorDef { name, shape, dtype, quantization, data })
}

/// The bias of a quantized convolution of `x`: int32 (int64 where `x` is int16) in steps of the products.
pub fn quantized_bias(
    x: &TensorDef,
    filter: &TensorDef,
    channels: usize,
    random: &mut Random,
) -> Result<TensorDef> {
    let scales = x.quantization.as_ref().zip(filter.quantization.as_ref());
    let Some((x_scale, filter_scale)) = scales.filter(|(x, _)| !x.scale.is_empty()) else {
        return Err(Error::unsupported("a quantized convolution without scales"));
    };
    let scale: Vec<f32> = filter_scale.scale.iter().map(|s| x_scale.scale[0] * s).collect();
    let zero_point = vec![0; scale.len()];
    let values = (0..channels).map(|_| (random.unit() * 1000.0) as i32);
    let data = match x.dtype {
        DType::I16 => Data::I64(values.map(i64::from).collect()),
        _ => Data::I32(values.collect()),
    };
    Ok(TensorDef {
        name: String::new(),
        shape: Shape::new([channels])?,
        dtype: data.dtype(),
        quantization: Some(Quantization { scale, zero_point, axis: 0 }),
        data: Some(Arc::new(data)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(data: Data, scale: Vec<f32>) -> TensorDef {
        let quantization = (!scale.is_empty()).then(|| Quantization {
            zero_point: vec![0; scale.len()],
            scale,
            axis: 0,
        });
        TensorDef {
            name: String::new(),
            shape: Shape::new([data.len()]).unwrap(),
            dtype: data.dtype(),
            quantization,
            data: Some(Arc::new(data)),
        }
    }

    #[test]
    fn sums_are_as_large_as_what_is_summed() {
        let weights = floats(100_000, 50, &mut Random::default());
        let square = weights.iter().map(|w| f64::from(w * w)).sum::<f64>() / 1e5;
        assert!((square * 50.0 - 1.0).abs() < 0.02, "{square}");
        let mean = weights.iter().map(|&w| f64::from(w)).sum::<f64>() / 1e5;
        assert!(mean.abs() < 1e-3, "{mean}");
    }

    #[test]
    fn weights_keep_the_type_and_repeat_the_scales() {
        let random = &mut Random::default();
        let shape = || Shape::new([1, 3, 3, 4]).unwrap();
        let half = like(&tensor(Data::F16(vec![0; 2]), vec![]), shape(), 3, random).unwrap();
        assert_eq!((half.dtype, half.data.unwrap().len()), (DType::F16, 36));
        let bytes = tensor(Data::I8(vec![0; 3]), vec![0.5, 0.25, 0.125]);
        let bytes = like(&bytes, shape(), 3, random).unwrap();
        let q = bytes.quantization.clone().unwrap();
        assert_eq!((q.scale, q.axis), (vec![0.5, 0.25, 0.125, 0.5], 3));
        let x = tensor(Data::I8(vec![0]), vec![2.0]);
        let bias = quantized_bias(&x, &bytes, 4, random).unwrap();
        assert_eq!(bias.quantization.unwrap().scale, [1.0, 0.5, 0.25, 1.0]);
        assert!(like(&tensor(Data::Bool(vec![1]), vec![]), shape(), 0, random).is_err());
    }
}
