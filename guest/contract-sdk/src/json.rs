//! Reads values out of JSON, without floats and without building a tree.
//!
//! A [`Value`] is a checked piece of the text; places are given as JSON pointers (RFC 6901).
//!
//! ```
//! use contract_sdk::json;
//!
//! let text = br#"{"data": [{"pair": "DOT/USD", "price": "6.51"}]}"#;
//! let value = json::parse(text).unwrap();
//! let price = value.pointer("/data/0/price").unwrap();
//! assert_eq!(price.decimal(8), Some(651_000_000));
//! assert_eq!(value.pointer("/data/0/pair").unwrap().string().as_deref(), Some("DOT/USD"));
//! assert!(value.pointer("/data/1").is_none());
//! ```
//!
//! # Limits
//! Values nest at most [`DEPTH_MAX`] deep. Of members with the same name the first counts.

use alloc::borrow::Cow;
use alloc::string::String;

/// Deepest nesting of arrays and objects.
pub const DEPTH_MAX: u32 = 32;

/// The text is not one JSON value, or it nests too deep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// A JSON value: a piece of text that was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value<'a>(&'a str);

/// Checks a text, which must be one JSON value in UTF-8.
///
/// # Errors
/// [`Malformed`].
pub fn parse(text: &[u8]) -> Result<Value<'_>, Malformed> {
    let text = core::str::from_utf8(text).map_err(|_| Malformed)?;
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(0).ok_or(Malformed)?;
    reader.space();
    match reader.at == text.len() {
        true => Ok(value),
        false => Err(Malformed),
    }
}

impl<'a> Value<'a> {
    /// The value at a JSON pointer: `/data/0/price`, or the empty text for this value itself.
    pub fn pointer(&self, pointer: &str) -> Option<Value<'a>> {
        if pointer.is_empty() {
            return Some(*self);
        }
        let mut value = *self;
        for token in pointer.strip_prefix('/')?.split('/') {
            let token = token.replace("~1", "/").replace("~0", "~");
            value = match value.0.as_bytes().first()? {
                b'{' => value.member(&token)?,
                b'[' => value.elements().nth(index(&token)?)?,
                _ => return None,
            };
        }
        Some(value)
    }

    /// The member of an object.
    pub fn member(&self, name: &str) -> Option<Value<'a>> {
        let mut members = self.members();
        members.find(|(given, _)| given.as_ref() == name).map(|(_, value)| value)
    }

    /// The members of an object, in the order of the text; none of anything else.
    pub fn members(&self) -> impl Iterator<Item = (Cow<'a, str>, Value<'a>)> + use<'a> {
        let mut reader = self.inside(b'{');
        core::iter::from_fn(move || {
            let reader = reader.as_mut()?;
            reader.next_of(b'}')?;
            let name = reader.quoted()?;
            reader.space();
            reader.take(b':')?;
            Some((unescape(name)?, reader.value(0)?))
        })
    }

    /// The elements of an array, in order; none of anything else.
    pub fn elements(&self) -> impl Iterator<Item = Value<'a>> + use<'a> {
        let mut reader = self.inside(b'[');
        core::iter::from_fn(move || {
            let reader = reader.as_mut()?;
            reader.next_of(b']')?;
            reader.value(0)
        })
    }

    /// The text of a string; `None` of anything else.
    pub fn string(&self) -> Option<String> {
        let inside = self.0.strip_prefix('"')?.strip_suffix('"')?;
        unescape(inside).map(Cow::into_owned)
    }

    /// The digits of a number, as they are written; `None` of anything else.
    pub fn number(&self) -> Option<&'a str> {
        let first = self.0.as_bytes().first()?;
        (first.is_ascii_digit() || *first == b'-').then_some(self.0)
    }

    /// A number, or a string that holds one, with decimal places; see [`decimal`](crate::decimal).
    pub fn decimal(&self, places: u32) -> Option<i128> {
        match self.number() {
            Some(digits) => crate::decimal::parse(digits, places).ok(),
            None => crate::decimal::parse(&self.string()?, places).ok(),
        }
    }

    /// `true` or `false`; `None` of anything else.
    pub fn boolean(&self) -> Option<bool> {
        match self.0 {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        self.0 == "null"
    }

    /// The text it is written as.
    pub fn text(&self) -> &'a str {
        self.0
    }

    /// A reader just after the bracket that it must begin with.
    fn inside(&self, open: u8) -> Option<Reader<'a>> {
        (self.0.as_bytes().first() == Some(&open)).then_some(Reader { text: self.0, at: 1 })
    }
}

/// An array's index as RFC 6901 writes it: no sign, no leading zeros.
fn index(token: &str) -> Option<usize> {
    let canonical = token == "0" || !token.starts_with(['0', '+']);
    canonical.then(|| token.parse().ok())?
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }

    /// Before the next element or member: past a comma, or nothing at the closing bracket.
    fn next_of(&mut self, close: u8) -> Option<()> {
        self.space();
        match self.peek()? {
            byte if byte == close => return None,
            b',' => self.at += 1,
            _ => {}
        }
        self.space();
        Some(())
    }

    fn value(&mut self, depth: u32) -> Option<Value<'a>> {
        self.space();
        let start = self.at;
        match self.peek()? {
            b'{' => self.list(b'}', depth, true)?,
            b'[' => self.list(b']', depth, false)?,
            b'"' => {
                unescape(self.quoted()?)?;
            }
            b'-' | b'0'..=b'9' => self.digits_of_number()?,
            _ => self.word()?,
        }
        self.text.get(start..self.at).map(Value)
    }

    fn list(&mut self, close: u8, depth: u32, named: bool) -> Option<()> {
        if depth == DEPTH_MAX {
            return None;
        }
        self.at += 1;
        self.space();
        if self.take(close).is_some() {
            return Some(());
        }
        loop {
            self.space();
            if named {
                unescape(self.quoted()?)?;
                self.space();
                self.take(b':')?;
            }
            self.value(depth + 1)?;
            self.space();
            if self.take(close).is_some() {
                return Some(());
            }
            self.take(b',')?;
        }
    }

    fn word(&mut self) -> Option<()> {
        let rest = self.text.get(self.at..)?;
        let word = ["true", "false", "null"].into_iter().find(|word| rest.starts_with(word))?;
        self.at += word.len();
        Some(())
    }

    fn digits_of_number(&mut self) -> Option<()> {
        let _minus = self.take(b'-');
        match self.peek()? {
            b'0' => self.at += 1,
            _ => self.digits()?,
        }
        if self.take(b'.').is_some() {
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'-' | b'+')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Some(())
    }

    /// What is between two quotes, still escaped.
    fn quoted(&mut self) -> Option<&'a str> {
        self.take(b'"')?;
        let start = self.at;
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => self.at += 2,
                0..=0x1f => return None,
                _ => self.at += 1,
            }
        }
        let inside = self.text.get(start..self.at);
        self.at += 1;
        inside
    }
}

/// A string without its escapes; `None` where one is malformed.
fn unescape(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('\\') {
        return Some(Cow::Borrowed(text));
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        plain.push_str(rest.get(..at)?);
        let escape = *rest.as_bytes().get(at + 1)?;
        let mut end = at + 2;
        plain.push(match escape {
            b'"' | b'\\' | b'/' => char::from(escape),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let (letter, length) = unicode(rest.get(at..)?)?;
                end = at + length;
                letter
            }
            _ => return None,
        });
        rest = rest.get(end..)?;
    }
    plain.push_str(rest);
    Some(Cow::Owned(plain))
}

/// The letter of `\uXXXX`, or of a pair of them, and how long that is.
fn unicode(text: &str) -> Option<(char, usize)> {
    let unit = |text: &str| {
        let digits = text.strip_prefix("\\u")?.get(..4)?;
        let hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        hex.then(|| u16::from_str_radix(digits, 16).ok())?
    };
    let first = unit(text)?;
    if let Some(letter) = char::from_u32(u32::from(first)) {
        return Some((letter, 6));
    }
    let pair = [first, unit(text.get(6..)?)?];
    let letter = char::decode_utf16(pair).next()?.ok()?;
    Some((letter, 12))
}
