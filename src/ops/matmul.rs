//! Matrix products.

use super::types::require_scales;
use super::{Operands, Unary, expect, expect_filter, real_type, weighted_type};
use crate::error::{Error, Result};
use crate::tensor::{DType, Shape};

/// FULLY_CONNECTED: each row of the input times the weights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FullyConnected {
    /// Whether the result has the input's extents but for the last; otherwise it is a matrix.
    pub keep_num_dims: bool,
    /// Applied to the sum.
    pub activation: Option<Unary>,
}

impl FullyConnected {
    /// `[..., depth]` * `[units, depth]` → `[..., units]` or `[rows, units]`. Without
    /// `keep_num_dims` the input's extents may be cut into rows anywhere.
    pub fn infer(&self, operands: &Operands) -> Result<Vec<(Shape, DType)>> {
        let (x, weights, bias) = expect_filter(operands)?;
        let dtype = weighted_type(x, weights, bias)?;
        let &[units, depth] = weights.shape.dims() else {
            return Err(Error::malformed(format!("weights {} are no matrix", weights.shape)));
        };
        let elements = x.shape.elements();
        let fits = match self.keep_num_dims {
            true => x.shape.dims().last() == Some(&depth),
            false => depth > 0 && elements % depth == 0,
        };
        if !fits || units == 0 {
            let (weights, input) = (&weights.shape, &x.shape);
            return Err(Error::malformed(format!("weights {weights} do not fit an input {input}")));
        }
        if let Some(bias) = bias.filter(|b| b.shape.elements() != units) {
            return Err(Error::malformed(format!("bias {} does not fit {units}", bias.shape)));
        }
        let dims = match (self.keep_num_dims, x.shape.dims()) {
            (true, [rows @ .., _]) => [rows, &[units]].concat(),
            _ => vec![elements / depth, units],
        };
        Ok(vec![(Shape::new(dims)?, dtype)])
    }
}

/// BATCH_MATMUL: products of matrices, which are the last two extents of both operands; those
/// before broadcast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchMatMul {
    /// Whether the matrices of each operand are taken transposed.
    pub transposed: [bool; 2],
}

/// The extents of a product of matrices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Product {
    /// Rows of the first and of the result.
    pub m: usize,
    /// Columns of the first, rows of the second.
    pub k: usize,
    /// Columns of the second and of the result.
    pub n: usize,
}

impl BatchMatMul {
    /// `[..., m, k]` * `[..., k, n]` → `[..., m, n]`.
    pub fn infer(&self, operands: &Operands) -> Result<Vec<(Shape, DType)>> {
        let [a, b] = expect(operands)?;
        let dtype = real_type(a)?;
        let allowed = match dtype {
            DType::F32 | DType::I16 => [dtype, DType::I8],
            _ => [dtype; 2],
        };
        if !allowed.contains(&b.dtype) {
            let what = format!("a product of {dtype} and {} is not supported", b.dtype);
            return Err(Error::unsupported(what));
        }
        if b.dtype != DType::F32 {
            require_scales(b)?;
        }
        let Product { m, n, .. } = self.product(&a.shape, &b.shape)?;
        let batch = |s: &Shape| Shape::new(&s.dims()[..s.rank() - 2]);
        let batch = super::binary::broadcast(&batch(&a.shape)?, &batch(&b.shape)?)?;
        Ok(vec![(Shape::new([batch.dims(), &[m, n]].concat())?, dtype)])
    }

    /// The extents of the matrices of two operands.
    pub fn product(&self, a: &Shape, b: &Shape) -> Result<Product> {
        let matrix = |shape: &Shape, transposed: bool| match *shape.dims() {
            [.., columns, rows] if transposed => Ok([rows, columns]),
            [.., rows, columns] => Ok([rows, columns]),
            _ => Err(Error::malformed(format!("{shape} is no matrix"))),
        };
        let ([m, k], [rows, n]) = (matrix(a, self.transposed[0])?, matrix(b, self.transposed[1])?);
        if k != rows {
            let what = format!("a matrix of {m}x{k} cannot be multiplied by one of {rows}x{n}");
            return Err(Error::malformed(what));
        }
        Ok(Product { m, k, n })
    }
}
