//! Values on their way into a statement, and the cells of its answer: the same for both databases.

use std::borrow::Cow;

use rusqlite::types::{ToSqlOutput, ValueRef};

use super::fault::Fault;

/// A value that is bound to a statement's parameter.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'v> {
    /// Nothing, of a kind: a server wants to know what it would have been.
    Null(Kind),
    /// A number without a fraction; what is true is 1.
    Int(i64),
    /// A number.
    Real(f64),
    /// A text.
    Text(Cow<'v, str>),
    /// Bytes.
    Blob(Cow<'v, [u8]>),
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// [`Value::Int`].
    Int,
    /// [`Value::Real`].
    Real,
    /// [`Value::Text`].
    Text,
    /// [`Value::Blob`].
    Blob,
}

impl Value<'_> {
    /// What it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Null(kind) => *kind,
            Self::Int(_) => Kind::Int,
            Self::Real(_) => Kind::Real,
            Self::Text(_) => Kind::Text,
            Self::Blob(_) => Kind::Blob,
        }
    }

    /// The same without what it borrows.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Null(kind) => Value::Null(kind),
            Self::Int(value) => Value::Int(value),
            Self::Real(value) => Value::Real(value),
            Self::Text(value) => Value::Text(value.into_owned().into()),
            Self::Blob(value) => Value::Blob(value.into_owned().into()),
        }
    }
}

impl rusqlite::ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null(_) => ValueRef::Null,
            Self::Int(value) => ValueRef::Integer(*value),
            Self::Real(value) => ValueRef::Real(*value),
            Self::Text(value) => ValueRef::Text(value.as_bytes()),
            Self::Blob(value) => ValueRef::Blob(value),
        }))
    }
}

/// What can be bound to a parameter.
pub trait Bind {
    /// What it is, also where it is nothing.
    const KIND: Kind;
    /// It as a value.
    fn value(&self) -> Value<'_>;
}

macro_rules! bind {
    ($($kind:ident: $($type:ty),+ => |$it:ident| $value:expr;)+) => {
        $($(impl Bind for $type {
            const KIND: Kind = Kind::$kind;
            fn value(&self) -> Value<'_> {
                let $it = self;
                Value::$kind($value)
            }
        })+)+
    };
}

bind! {
    Int: i64 => |it| *it;
    Int: i32, u32, u16, u8, bool => |it| i64::from(*it);
    Real: f64 => |it| *it;
    Text: str => |it| Cow::Borrowed(it);
    Text: String => |it| Cow::Borrowed(it.as_str());
    Blob: [u8] => |it| Cow::Borrowed(it);
    Blob: Vec<u8> => |it| Cow::Borrowed(it.as_slice());
}

impl<T: Bind + ?Sized> Bind for &T {
    const KIND: Kind = T::KIND;

    fn value(&self) -> Value<'_> {
        T::value(self)
    }
}

impl<T: Bind> Bind for Option<T> {
    const KIND: Kind = T::KIND;

    fn value(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Null(T::KIND), T::value)
    }
}

/// The values of a statement's parameters, in their order.
pub trait Values {
    /// As a list.
    fn list(&self) -> Vec<Value<'_>>;
}

impl Values for () {
    fn list(&self) -> Vec<Value<'_>> {
        Vec::new()
    }
}

impl<T: Bind, const N: usize> Values for [T; N] {
    fn list(&self) -> Vec<Value<'_>> {
        self.iter().map(Bind::value).collect()
    }
}

impl Values for Vec<Value<'_>> {
    fn list(&self) -> Vec<Value<'_>> {
        self.clone()
    }
}

impl<T: Values> Values for &T {
    fn list(&self) -> Vec<Value<'_>> {
        T::list(self)
    }
}

macro_rules! tuples {
    ($($($name:ident $index:tt),+;)+) => {
        $(impl<$($name: Bind),+> Values for ($($name,)+) {
            fn list(&self) -> Vec<Value<'_>> {
                vec![$(self.$index.value()),+]
            }
        })+
    };
}

tuples! {
    A 0;
    A 0, B 1;
    A 0, B 1, C 2;
    A 0, B 1, C 2, D 3;
    A 0, B 1, C 2, D 3, E 4;
    A 0, B 1, C 2, D 3, E 4, F 5;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12, N 13;
}

/// A cell of an answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'r> {
    /// Nothing.
    Null,
    /// A number without a fraction; what is true is 1.
    Int(i64),
    /// A number.
    Real(f64),
    /// A text.
    Text(&'r str),
    /// Bytes.
    Blob(&'r [u8]),
}

impl Cell<'_> {
    /// It as a value that can be bound elsewhere; of nothing nobody knows what it would have been.
    pub fn to_value(self) -> Value<'static> {
        match self {
            Self::Null => Value::Null(Kind::Text),
            Self::Int(value) => Value::Int(value),
            Self::Real(value) => Value::Real(value),
            Self::Text(value) => Value::Text(value.to_owned().into()),
            Self::Blob(value) => Value::Blob(value.to_owned().into()),
        }
    }
}

impl<'r> TryFrom<ValueRef<'r>> for Cell<'r> {
    type Error = Fault;

    fn try_from(value: ValueRef<'r>) -> Result<Self, Fault> {
        Ok(match value {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(value) => Self::Int(value),
            ValueRef::Real(value) => Self::Real(value),
            ValueRef::Text(_) => Self::Text(value.as_str().map_err(rusqlite::Error::from)?),
            ValueRef::Blob(value) => Self::Blob(value),
        })
    }
}

/// What a cell is read as.
pub trait Column<'r>: Sized {
    /// What is read; `None` where the cell holds something else.
    fn read(cell: Cell<'r>) -> Option<Self>;
}

macro_rules! column {
    ($($type:ty),+) => {
        $(impl Column<'_> for $type {
            fn read(cell: Cell<'_>) -> Option<Self> {
                match cell {
                    Cell::Int(value) => value.try_into().ok(),
                    _ => None,
                }
            }
        })+
    };
}

column!(i64, i32, u32, u16, u8);

impl Column<'_> for bool {
    fn read(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Int(0) => Some(false),
            Cell::Int(1) => Some(true),
            _ => None,
        }
    }
}

impl Column<'_> for f64 {
    fn read(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Real(value) => Some(value),
            _ => None,
        }
    }
}

impl<'r> Column<'r> for &'r str {
    fn read(cell: Cell<'r>) -> Option<Self> {
        match cell {
            Cell::Text(value) => Some(value),
            _ => None,
        }
    }
}

impl Column<'_> for String {
    fn read(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Text(value) => Some(value.to_owned()),
            _ => None,
        }
    }
}

impl Column<'_> for Vec<u8> {
    fn read(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Blob(value) => Some(value.to_owned()),
            _ => None,
        }
    }
}

impl<'r, T: Column<'r>> Column<'r> for Option<T> {
    fn read(cell: Cell<'r>) -> Option<Self> {
        match cell {
            Cell::Null => Some(None),
            cell => T::read(cell).map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_knows_what_it_would_have_been() {
        assert_eq!((None::<&str>, Some(7_u16), true).list(), [Value::Null(Kind::Text), Value::Int(7), Value::Int(1)]);
        assert_eq!([None::<f64>].list()[0].kind(), Kind::Real);
    }

    #[test]
    fn a_cell_is_read_as_what_it_holds_or_not_at_all() {
        assert_eq!(u8::read(Cell::Int(255)), Some(255));
        assert_eq!(u8::read(Cell::Int(256)), None);
        assert_eq!(Option::<u8>::read(Cell::Null), Some(None));
        assert_eq!(Option::<u8>::read(Cell::Int(-1)), None);
        assert_eq!((bool::read(Cell::Int(1)), bool::read(Cell::Int(2))), (Some(true), None));
        assert_eq!((f64::read(Cell::Int(1)), String::read(Cell::Null)), (None, None));
    }
}
