//! One error type for the whole crate, split by who must act.

use std::fmt;

/// Who has to change something for the call to succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The model file breaks its own format: whoever wrote the file must act.
    MalformedModel,
    /// The file is sound, but asks for something this runtime does not do: we must act.
    UnsupportedModel,
    /// The call is wrong (length, type, size): the caller must act.
    BadInput,
    /// The model or input would take more memory or work than is allowed.
    Limit,
}

impl ErrorKind {
    /// The stable name that JavaScript sees as `OctomaskError.code`.
    pub fn code(self) -> &'static str {
        match self {
            ErrorKind::MalformedModel => "malformed-model",
            ErrorKind::UnsupportedModel => "unsupported-model",
            ErrorKind::BadInput => "bad-input",
            ErrorKind::Limit => "limit",
        }
    }
}

/// An operator of the model file: what an error points at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpRef {
    /// Index of the operator in the file, as Netron shows it.
    pub index: usize,
    /// TFLite's name of the operator, or the custom operator's own.
    pub name: String,
}

/// What went wrong, where, and who must act. Prints as one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    op: Option<OpRef>,
}

/// The crate's result type.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error { kind, message: message.into(), op: None }
    }

    /// The model file breaks its own format.
    pub fn malformed(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::MalformedModel, message)
    }

    /// The model asks for something this runtime does not do.
    pub fn unsupported(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::UnsupportedModel, message)
    }

    /// The caller passed something wrong.
    pub fn bad_input(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::BadInput, message)
    }

    /// A bound on memory or work was reached.
    pub fn limit(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Limit, message)
    }

    /// Says at which operator it happened, unless that is known already: inner layers say what,
    /// outer layers say where.
    pub fn at(mut self, index: usize, name: &str) -> Error {
        if self.op.is_none() {
            self.op = Some(OpRef { index, name: name.to_string() });
        }
        self
    }

    /// Says what it is about, in front of what is wrong.
    pub fn about(mut self, subject: &str) -> Error {
        self.message = format!("{subject}: {}", self.message);
        self
    }

    /// For a file that was sound until something else was asked of it: it is not the file that is
    /// broken.
    pub fn of_sound_file(mut self) -> Error {
        if self.kind == ErrorKind::MalformedModel {
            self.kind = ErrorKind::UnsupportedModel;
        }
        self
    }

    /// Who must act.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The operator it happened at, when there is one.
    pub fn op(&self) -> Option<&OpRef> {
        self.op.as_ref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.op {
            Some(op) => write!(f, "operator {} ({}): {}", op.index, op.name, self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_operator_is_the_one_named() {
        let e = Error::malformed("no filter").at(3, "CONV_2D").at(9, "ADD");
        assert_eq!(e.to_string(), "operator 3 (CONV_2D): no filter");
        assert_eq!(e.kind().code(), "malformed-model");
    }
}
