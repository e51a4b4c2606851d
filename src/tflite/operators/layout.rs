//! Options of operators that move elements.

use super::{Decode, Options, activation, size};
use crate::error::{Error, Result};
use crate::ops::layout::{Blocks, Cut, Gather, Join, Pad, Repeat, Reshape, StridedSlice};
use crate::ops::{Layout, Op};
use crate::tensor::MAX_RANK;
use crate::tflite::flatbuffer::{Field, Ref, Table};
use crate::tflite::schema::options;

pub fn builtin(name: &str) -> Option<Decode> {
    Some(match name {
        "BATCH_TO_SPACE_ND" => |_| Ok(Op::Layout(Layout::Blocks(Blocks::BatchToSpace))),
        "BROADCAST_TO" => |_| Ok(Op::Layout(Layout::Repeat(Repeat::BroadcastTo))),
        "CONCATENATION" => concatenation,
        "DEPTH_TO_SPACE" => depth_to_space,
        "EXPAND_DIMS" => |_| Ok(Op::Layout(Layout::Reshape(Reshape::ExpandDims))),
        "FILL" => |_| Ok(Op::Layout(Layout::Repeat(Repeat::Fill))),
        "GATHER" => gather,
        "GATHER_ND" => |_| Ok(Op::Layout(Layout::Gather(Gather::Nd))),
        "MIRROR_PAD" => mirror_pad,
        "PACK" => pack,
        "PAD" => |_| Ok(Op::Layout(Layout::Pad(Pad::Zeros))),
        "PADV2" => |_| Ok(Op::Layout(Layout::Pad(Pad::Value))),
        "RESHAPE" => reshape,
        "REVERSE_V2" => |_| Ok(Op::Layout(Layout::Cut(Cut::Reverse))),
        "SLICE" => |_| Ok(Op::Layout(Layout::Cut(Cut::Slice))),
        "SPACE_TO_BATCH_ND" => |_| Ok(Op::Layout(Layout::Blocks(Blocks::SpaceToBatch))),
        "SPACE_TO_DEPTH" => space_to_depth,
        "SPLIT" => split,
        "SPLIT_V" => split_v,
        "SQUEEZE" => squeeze,
        "STRIDED_SLICE" => strided_slice,
        "TILE" => |_| Ok(Op::Layout(Layout::Repeat(Repeat::Tile))),
        "TRANSPOSE" => |_| Ok(Op::Layout(Layout::Transpose)),
        "UNPACK" => unpack,
        "ZEROS_LIKE" => |_| Ok(Op::Layout(Layout::ZerosLike)),
        _ => return None,
    })
}

fn reshape(o: &Options) -> Result<Op> {
    // Old files have the shape here, others as an operand.
    let shape = match o.table {
        Some(_) => list(&o.of(options::reshape::TYPE)?, options::reshape::NEW_SHAPE)?,
        None => Vec::new(),
    };
    Ok(Op::Layout(Layout::Reshape(Reshape::Reshape(shape))))
}

fn squeeze(o: &Options) -> Result<Op> {
    let axes = list(&o.of(options::squeeze::TYPE)?, options::squeeze::SQUEEZE_DIMS)?;
    Ok(Op::Layout(Layout::Reshape(Reshape::Squeeze(axes))))
}

/// A list with an element for each axis at most.
fn list(table: &Table, field: Ref) -> Result<Vec<i32>> {
    let Some(elements) = table.vector::<i32>(field)? else { return Ok(Vec::new()) };
    if elements.len() > MAX_RANK {
        return Err(Error::malformed(format!("has a list of {} axes", elements.len())));
    }
    Ok(elements.iter().collect())
}

fn concatenation(o: &Options) -> Result<Op> {
    use options::concatenation::*;
    let table = o.of(TYPE)?;
    if activation(table.get(ACTIVATION)?)?.is_some() {
        return Err(Error::unsupported("a fused activation is not supported here, nor by TFLite"));
    }
    Ok(Op::Layout(Layout::Join(Join::Concatenation(table.get(AXIS)?))))
}

fn pack(o: &Options) -> Result<Op> {
    Ok(Op::Layout(Layout::Join(Join::Pack(o.of(options::pack::TYPE)?.get(options::pack::AXIS)?))))
}

fn split(o: &Options) -> Result<Op> {
    let count = parts(o, options::split::TYPE, options::split::NUM_SPLITS)?;
    Ok(Op::Layout(Layout::Cut(Cut::Split(count))))
}

fn split_v(o: &Options) -> Result<Op> {
    let count = parts(o, options::split_v::TYPE, options::split_v::NUM_SPLITS)?;
    Ok(Op::Layout(Layout::Cut(Cut::SplitV(count))))
}

fn unpack(o: &Options) -> Result<Op> {
    use options::unpack::*;
    let (axis, count) = (o.of(TYPE)?.get(AXIS)?, parts(o, TYPE, NUM)?);
    Ok(Op::Layout(Layout::Cut(Cut::Unpack { axis, count })))
}

/// The number of parts, each of which is a tensor of the file.
fn parts(o: &Options, kind: u8, field: Field<i32>) -> Result<usize> {
    let (count, made) = (size(o.of(kind)?.get(field)?)?, o.made.len());
    if count != made {
        return Err(Error::malformed(format!("makes {count} parts, but has {made} outputs")));
    }
    Ok(count)
}

fn strided_slice(o: &Options) -> Result<Op> {
    use options::strided_slice::*;
    let table = o.of(TYPE)?;
    let mask = |field| Ok(table.get::<i32>(field)? as u32);
    Ok(Op::Layout(Layout::Cut(Cut::StridedSlice(StridedSlice {
        begin_mask: mask(BEGIN_MASK)?,
        end_mask: mask(END_MASK)?,
        ellipsis_mask: mask(ELLIPSIS_MASK)?,
        new_axis_mask: mask(NEW_AXIS_MASK)?,
        shrink_axis_mask: mask(SHRINK_AXIS_MASK)?,
        offset: table.get(OFFSET)?,
    }))))
}

fn mirror_pad(o: &Options) -> Result<Op> {
    use options::mirror_pad::*;
    let symmetric = match o.of(TYPE)?.get(MODE)? {
        0 => false,
        1 => true,
        mode => return Err(Error::malformed(format!("mirror mode {mode} does not exist"))),
    };
    Ok(Op::Layout(Layout::Pad(Pad::Mirror { symmetric })))
}

fn space_to_depth(o: &Options) -> Result<Op> {
    use options::space_to_depth::*;
    let block = size(o.of(TYPE)?.get(BLOCK_SIZE)?)?;
    Ok(Op::Layout(Layout::Blocks(Blocks::SpaceToDepth(block))))
}

fn depth_to_space(o: &Options) -> Result<Op> {
    use options::depth_to_space::*;
    let block = size(o.of(TYPE)?.get(BLOCK_SIZE)?)?;
    Ok(Op::Layout(Layout::Blocks(Blocks::DepthToSpace(block))))
}

fn gather(o: &Options) -> Result<Op> {
    use options::gather::*;
    let table = o.of(TYPE)?;
    let (axis, batch_dims) = (table.get(AXIS)?, table.get(BATCH_DIMS)?);
    Ok(Op::Layout(Layout::Gather(Gather::Along { axis, batch_dims })))
}
