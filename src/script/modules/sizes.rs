//! Rhai's functions that make something as long as a script asks for, with a bound: a number too many must not end the
//! program, nor keep it busy where nothing can stop it.

use rhai::plugin::*;
use rhai::{Array, Blob, Dynamic, ImmutableString, NativeCallContext};

use crate::error::Error;
use crate::script::bridge::{Thrown, throw};

/// Bytes that one such call may fill.
const MOST: usize = 1 << 30;

/// The length as it is used, when that many things of so many bytes are not too many.
fn bounded(call: &NativeCallContext<'_>, len: i64, each: usize) -> Thrown<usize> {
    let most = MOST / each;
    match usize::try_from(len.max(0)) {
        Ok(len) if len <= most => Ok(len),
        _ => {
            let error = Error::input("script.too_large", format!("a length of {len} does not fit into memory"));
            throw(call, error.hint(format!("at most {most} are possible here")))
        }
    }
}

#[export_module]
pub mod sizes {
    /// Lengthens the list to `len` elements with copies of `item`.
    ///
    /// ```rhai
    /// let list = [1];
    /// list.pad(3, 0);
    /// assert_eq(list, [1, 0, 0]);
    /// ```
    #[rhai_fn(name = "pad", return_raw)]
    pub fn pad_list(call: NativeCallContext, list: &mut Array, len: i64, item: Dynamic) -> Thrown<()> {
        let len = bounded(&call, len, size_of::<Dynamic>())?;
        if len > list.len() {
            list.resize(len, item);
        }
        Ok(())
    }

    /// Lengthens the text to `len` characters with copies of `character`.
    ///
    /// ```rhai
    /// let number = "7";
    /// number.pad(3, ' ');
    /// assert_eq(number, "7  ");
    /// ```
    #[rhai_fn(name = "pad", return_raw)]
    pub fn pad_text(call: NativeCallContext, text: &mut ImmutableString, len: i64, character: char) -> Thrown<()> {
        let len = bounded(&call, len, character.len_utf8())?;
        let missing = len.saturating_sub(text.chars().count());
        if missing > 0 {
            text.make_mut().extend(std::iter::repeat_n(character, missing));
        }
        Ok(())
    }

    /// Lengthens the text to at least `len` characters with copies of `padding`.
    #[rhai_fn(name = "pad", return_raw)]
    pub fn pad_text_with(call: NativeCallContext, text: &mut ImmutableString, len: i64, padding: &str) -> Thrown<()> {
        let each = padding.chars().count();
        let len = bounded(&call, len, padding.len().max(1))?;
        let missing = len.saturating_sub(text.chars().count());
        if missing > 0 && each > 0 {
            text.make_mut().push_str(&padding.repeat(missing.div_ceil(each)));
        }
        Ok(())
    }

    /// Lengthens the bytes to `len` with copies of `value`.
    #[rhai_fn(name = "pad", return_raw)]
    pub fn pad_blob(call: NativeCallContext, blob: &mut Blob, len: i64, value: i64) -> Thrown<()> {
        let len = bounded(&call, len, 1)?;
        if len > blob.len() {
            blob.resize(len, value as u8);
        }
        Ok(())
    }

    /// So many bytes, all zero.
    #[rhai_fn(return_raw)]
    pub fn blob(call: NativeCallContext, len: i64) -> Thrown<Blob> {
        bounded(&call, len, 1).map(|len| vec![0; len])
    }

    /// So many bytes, all the same.
    #[rhai_fn(name = "blob", return_raw)]
    pub fn blob_of(call: NativeCallContext, len: i64, value: i64) -> Thrown<Blob> {
        bounded(&call, len, 1).map(|len| vec![value as u8; len])
    }
}
