//! Which types operands may have, and how quantized ones must be described.

use crate::error::{Error, Result};
use crate::tensor::{DType, TensorDef};

/// Refuses any other type.
pub(crate) fn require_type(tensor: &TensorDef, dtype: DType) -> Result<()> {
    if tensor.dtype != dtype {
        return Err(Error::unsupported(format!(
            "tensor '{}' is {}, only {dtype} is supported here",
            tensor.name, tensor.dtype
        )));
    }
    Ok(())
}

/// The type of a tensor that stands for real numbers: float32, or int8, uint8 or int16 with one
/// sound scale and zero point.
pub(crate) fn real_type(x: &TensorDef) -> Result<DType> {
    if x.dtype == DType::F32 {
        return Ok(x.dtype);
    }
    if x.dtype.stored_range().is_none() {
        return Err(Error::unsupported(format!(
            "tensor '{}' is {}, only float32 and quantized int8, uint8 and int16 are supported here",
            x.name, x.dtype
        )));
    }
    require_scales(x)?;
    require_one_scale(x)?;
    Ok(x.dtype)
}

/// The type of a tensor of numbers: real ones, or integers (int32, int64) that stand for themselves.
pub(crate) fn number_type(x: &TensorDef) -> Result<DType> {
    match x.dtype {
        DType::I32 | DType::I64 => Ok(x.dtype),
        _ => real_type(x),
    }
}

/// The one type that two tensors of numbers have.
pub(crate) fn same_number_type(a: &TensorDef, b: &TensorDef) -> Result<DType> {
    let dtype = number_type(a)?;
    if number_type(b)? != dtype {
        return Err(Error::unsupported(format!(
            "tensors '{}' and '{}' are {dtype} and {}",
            a.name, b.name, b.dtype
        )));
    }
    Ok(dtype)
}

/// The type of a tensor whose elements are moved, not looked at: any. Quantized ones need sound
/// scales, so that elements can be moved to a tensor with others.
pub(crate) fn moved_type(x: &TensorDef) -> Result<DType> {
    if x.dtype.stored_range().is_some() && x.quantization.is_some() {
        require_scales(x)?;
    }
    Ok(x.dtype)
}

/// The type of what weights make of real numbers `x`: that of `x`. The filter has the same type,
/// or is int8 for an `x` of int16, or quantized for a float one (weights quantized, activations
/// not); the bias is float32, or a quantized sum of int32 or, for int16, int64.
pub(crate) fn weighted_type(
    x: &TensorDef,
    filter: &TensorDef,
    bias: Option<&TensorDef>,
) -> Result<DType> {
    let dtype = real_type(x)?;
    let (filters, biases): (&[DType], &[DType]) = match dtype {
        DType::F32 => (&[DType::F32, DType::I8, DType::U8], &[DType::F32]),
        DType::I16 => (&[DType::I8], &[DType::I64, DType::I32]),
        _ => (&[dtype], &[DType::I32]),
    };
    for (what, tensor, allowed) in [("filter", Some(filter), filters), ("bias", bias, biases)] {
        let Some(tensor) = tensor else { continue };
        if !allowed.contains(&tensor.dtype) {
            return Err(Error::unsupported(format!(
                "the {what} '{}' is {}, which is not supported for an input of {dtype}",
                tensor.name, tensor.dtype
            )));
        }
        if tensor.dtype != DType::F32 {
            require_scales(tensor)?;
        }
    }
    Ok(dtype)
}

/// Refuses a quantized tensor whose stored values do not say which real numbers they are: no
/// scales, as many as no axis has slices, or a zero point that its type cannot store.
pub(crate) fn require_scales(x: &TensorDef) -> Result<()> {
    let wrong = |what: String| Err(Error::malformed(format!("tensor '{}' {what}", x.name)));
    let Some(q) = &x.quantization else {
        return wrong(format!("is {} without a scale, a quantized one is needed", x.dtype));
    };
    if q.scale.is_empty() || q.scale.len() != q.zero_point.len() {
        return wrong(format!("has {} scales", q.scale.len()));
    }
    if q.scale.len() > 1 && x.shape.dims().get(q.axis) != Some(&q.scale.len()) {
        return wrong(format!("is {}, with {} scales", x.shape, q.scale.len()));
    }
    if q.scale.iter().any(|s| !s.is_finite() || *s < 0.0) {
        return wrong("has a scale that is negative, infinite or no number".to_string());
    }
    let (low, high) = x.dtype.stored_range().unwrap_or((i32::MIN, i32::MAX));
    match q.zero_point.iter().find(|z| !(low as i64..=high as i64).contains(z)) {
        Some(zero_point) => wrong(format!("is {}, with a zero point of {zero_point}", x.dtype)),
        None => Ok(()),
    }
}

/// Of a tensor with sound scales: refuses more than one, and one of zero, by which nothing can be
/// quantized.
fn require_one_scale(x: &TensorDef) -> Result<()> {
    match x.quantization.as_ref().map(|q| &q.scale[..]) {
        Some([scale]) if *scale >= f32::MIN_POSITIVE => Ok(()),
        Some([_]) => Err(Error::malformed(format!("tensor '{}' has a scale of 0", x.name))),
        _ => Err(Error::unsupported(format!(
            "tensor '{}' has a scale for each slice, which is supported for weights only",
            x.name
        ))),
    }
}

/// Checks what the file says of a result of type `dtype`, and forgets scales that have no meaning.
/// `quantized`: its stored values stand for real numbers.
pub(crate) fn settle_result(result: &mut TensorDef, dtype: DType, quantized: bool) -> Result<()> {
    if dtype.stored_range().is_none() {
        result.quantization = None;
    } else if result.dtype != dtype {
        let (name, has) = (&result.name, result.dtype);
        return Err(Error::malformed(format!("makes {dtype}, but tensor '{name}' is {has}")));
    } else if quantized {
        real_type(result)?;
    } else {
        result.quantization = None;
    }
    result.dtype = dtype;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::{Quantization, Shape};

    fn tensor(dtype: DType, scale: &[f32], zero_point: &[i64], axis: usize) -> TensorDef {
        let quantization = (!scale.is_empty()).then(|| Quantization {
            scale: scale.to_vec(),
            zero_point: zero_point.to_vec(),
            axis,
        });
        let shape = Shape::new([2, 3]).unwrap();
        TensorDef { name: "t".into(), shape, dtype, quantization, data: None }
    }

    #[test]
    fn only_sound_scales_make_real_numbers() {
        let real = |dtype, scale: &[f32], zero_point: &[i64]| {
            real_type(&tensor(dtype, scale, zero_point, 0)).map_err(|e| e.to_string())
        };
        assert_eq!(real(DType::F32, &[], &[]), Ok(DType::F32));
        assert_eq!(real(DType::I8, &[0.5], &[-128]), Ok(DType::I8));
        assert_eq!(real(DType::U8, &[0.5], &[255]), Ok(DType::U8));
        for (dtype, scale, zero_point, what) in [
            (DType::I8, &[][..], &[][..], "without a scale"),
            (DType::I8, &[0.0], &[0], "a scale of 0"),
            (DType::I8, &[-1.0], &[0], "a scale that is negative, infinite or no number"),
            (DType::I8, &[f32::NAN], &[0], "a scale that is negative, infinite or no number"),
            (DType::I16, &[f32::INFINITY], &[0], "a scale that is negative, infinite or no number"),
            (DType::I8, &[1e-45], &[0], "a scale of 0"),
            (DType::I8, &[1.0], &[128], "a zero point of 128"),
            (DType::U8, &[1.0], &[-1], "a zero point of -1"),
            (DType::I8, &[1.0, 1.0], &[0], "has 2 scales"),
            (DType::I8, &[1.0, 1.0], &[0, 0], "for weights only"),
            (DType::I8, &[1.0; 3], &[0; 3], "with 3 scales"),
            (DType::I32, &[1.0], &[0], "only float32 and quantized"),
            (DType::Bool, &[], &[], "only float32 and quantized"),
        ] {
            let error = real(dtype, scale, zero_point).unwrap_err();
            assert!(error.contains(what), "{error}");
        }
    }

    #[test]
    fn weights_go_with_their_input() {
        let float = tensor(DType::F32, &[], &[], 0);
        let quantized = |dtype| tensor(dtype, &[1.0], &[0], 0);
        let rows = tensor(DType::I8, &[1.0, 0.0], &[0, 0], 0);
        let bias = quantized(DType::I32);
        let fits = |x: &TensorDef, filter: &TensorDef, bias: Option<&TensorDef>| {
            weighted_type(x, filter, bias).is_ok()
        };
        assert!(fits(&float, &float, Some(&float)));
        assert!(fits(&float, &rows, Some(&float)));
        assert!(fits(&quantized(DType::I8), &rows, Some(&bias)));
        assert!(fits(&quantized(DType::I16), &rows, Some(&quantized(DType::I64))));
        assert!(fits(&quantized(DType::U8), &quantized(DType::U8), None));
        assert!(!fits(&quantized(DType::I8), &quantized(DType::U8), None));
        assert!(!fits(&quantized(DType::I8), &float, None));
        assert!(!fits(&quantized(DType::I8), &rows, Some(&float)));
        assert!(!fits(&float, &rows, Some(&bias)));
    }

    #[test]
    fn results_keep_the_scales_that_have_a_meaning() {
        let mut result = tensor(DType::I8, &[1.0], &[0], 0);
        settle_result(&mut result, DType::I8, true).unwrap();
        assert!(result.quantization.is_some());
        assert!(settle_result(&mut result, DType::U8, true).is_err());
        settle_result(&mut result, DType::F32, true).unwrap();
        assert_eq!((result.dtype, result.quantization), (DType::F32, None));
        let mut plain = tensor(DType::U8, &[], &[], 0);
        settle_result(&mut plain, DType::U8, false).unwrap();
        assert!(settle_result(&mut plain, DType::U8, true).is_err());
    }
}
