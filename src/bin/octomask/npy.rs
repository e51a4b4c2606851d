//! Tensors as NumPy's .npy files.

use crate::Result;
use npyz::{Deserialize, NpyFile, Order, WriteOptions, WriterBuilder};
use octomask::tensor::{DType, Data, Shape, View};

/// The elements of a file, which must be of that shape and type.
pub fn read(bytes: &[u8], shape: &Shape, dtype: DType) -> Result<Data> {
    let file = NpyFile::new(bytes).map_err(|e| format!("is no .npy file: {e}"))?;
    let has: Vec<String> = file.shape().iter().map(u64::to_string).collect();
    let wanted: Vec<String> = shape.dims().iter().map(usize::to_string).collect();
    if has != wanted {
        return Err(format!("needs shape [{}], got [{}]", wanted.join(", "), has.join(", ")));
    }
    if shape.rank() > 1 && file.order() == Order::Fortran {
        return Err("is in Fortran order, needs C order (np.ascontiguousarray)".to_string());
    }
    Ok(match dtype {
        DType::F32 => Data::F32(elements(file, dtype)?),
        DType::I8 => Data::I8(elements(file, dtype)?),
        DType::U8 => Data::U8(elements(file, dtype)?),
        DType::I16 => Data::I16(elements(file, dtype)?),
        DType::I32 => Data::I32(elements(file, dtype)?),
        DType::I64 => Data::I64(elements(file, dtype)?),
        DType::Bool => {
            Data::Bool(elements::<bool>(file, dtype)?.into_iter().map(u8::from).collect())
        }
        // No operator takes these but DEQUANTIZE, of weights.
        DType::F16 => return Err("is float16, which is not supported as an input".to_string()),
    })
}

fn elements<T: Deserialize>(file: NpyFile<&[u8]>, dtype: DType) -> Result<Vec<T>> {
    let got = file.dtype().descr();
    let reader = file.data().map_err(|_| format!("needs {dtype}, got {got}"))?;
    reader.collect::<std::io::Result<Vec<T>>>().map_err(|e| format!("is cut off: {e}"))
}

/// The file of a tensor.
pub fn write(data: View, shape: &Shape) -> Result<Vec<u8>> {
    match data {
        View::F32(v) => file(v, shape),
        View::I8(v) => file(v, shape),
        View::U8(v) => file(v, shape),
        View::I16(v) => file(v, shape),
        View::I32(v) => file(v, shape),
        View::I64(v) => file(v, shape),
        View::Bool(v) => file(&v.iter().map(|&b| b != 0).collect::<Vec<bool>>(), shape),
        View::F16(_) => Err("is float16, which is not supported as an output".to_string()),
    }
}

fn file<T: npyz::AutoSerialize + Copy>(elements: &[T], shape: &Shape) -> Result<Vec<u8>> {
    let shape: Vec<u64> = shape.dims().iter().map(|&d| d as u64).collect();
    let mut bytes = Vec::new();
    let options = WriteOptions::new().default_dtype().shape(&shape).writer(&mut bytes);
    let write = options.begin_nd().and_then(|mut writer| {
        writer.extend(elements.iter().copied())?;
        writer.finish()
    });
    write.map_err(|e| e.to_string())?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_types_come_back() {
        let shape = Shape::new([2, 1]).unwrap();
        for data in [
            Data::F32(vec![1.5, -2.0]),
            Data::I8(vec![-128, 127]),
            Data::U8(vec![0, 255]),
            Data::I16(vec![-300, 300]),
            Data::I32(vec![i32::MIN, 7]),
            Data::I64(vec![i64::MIN, 7]),
            Data::Bool(vec![1, 0]),
        ] {
            let bytes = write(data.view(), &shape).unwrap();
            assert_eq!(read(&bytes, &shape, data.dtype()).unwrap(), data);
            let other = if data.dtype() == DType::F32 { DType::I32 } else { DType::F32 };
            let error = read(&bytes, &shape, other).unwrap_err();
            assert!(error.starts_with(&format!("needs {other}, got ")), "{error}");
            let error = read(&bytes, &Shape::new([2]).unwrap(), data.dtype()).unwrap_err();
            assert_eq!(error, "needs shape [2], got [2, 1]");
            for len in 0..bytes.len() {
                assert!(read(&bytes[..len], &shape, data.dtype()).is_err(), "{len}");
            }
        }
    }
}
