//! Options of comparisons, logic, and the choice between two tensors: there are none.

use super::Decode;
use crate::ops::{Comparison, Logical, Op, Select};

pub fn builtin(name: &str) -> Option<Decode> {
    Some(match name {
        "EQUAL" => |_| Ok(Op::Compare(Comparison::Equal)),
        "GREATER" => |_| Ok(Op::Compare(Comparison::Greater)),
        "GREATER_EQUAL" => |_| Ok(Op::Compare(Comparison::GreaterEqual)),
        "LESS" => |_| Ok(Op::Compare(Comparison::Less)),
        "LESS_EQUAL" => |_| Ok(Op::Compare(Comparison::LessEqual)),
        "LOGICAL_AND" => |_| Ok(Op::Logical(Logical::And)),
        "LOGICAL_NOT" => |_| Ok(Op::Logical(Logical::Not)),
        "LOGICAL_OR" => |_| Ok(Op::Logical(Logical::Or)),
        "NOT_EQUAL" => |_| Ok(Op::Compare(Comparison::NotEqual)),
        "SELECT" => |_| Ok(Op::Select(Select { by_slices: true })),
        "SELECT_V2" => |_| Ok(Op::Select(Select { by_slices: false })),
        _ => return None,
    })
}
