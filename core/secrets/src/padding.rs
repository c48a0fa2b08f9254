//! Padding: hides the exact length of a reply.

use wire::query::REPLY_PADDING_BYTES;

/// Bytes that [`pad`] did not make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the padding is malformed: not a length, the bytes and zeroes up to a whole block")]
pub struct MalformedPadding;

/// `bytes` with its length before it (u32, little endian) and zeroes after it, up to a multiple of
/// [`REPLY_PADDING_BYTES`].
///
/// # Errors
/// When `bytes` has 4 GiB or more.
pub fn pad(bytes: &[u8]) -> Result<Vec<u8>, MalformedPadding> {
    let length = u32::try_from(bytes.len()).map_err(|_| MalformedPadding)?;
    let padded = (4 + bytes.len()).next_multiple_of(REPLY_PADDING_BYTES);
    // Room for the tag too, so that sealing in place does not move the bytes.
    let mut out = Vec::with_capacity(padded + crate::hpke::TAG_BYTES);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(bytes);
    out.resize(padded, 0);
    Ok(out)
}

/// What [`pad`] was given.
///
/// # Errors
/// When `padded` is not what [`pad`] makes.
pub fn unpad(padded: &[u8]) -> Result<&[u8], MalformedPadding> {
    let (length, rest) = padded.split_first_chunk::<4>().ok_or(MalformedPadding)?;
    let length = u32::from_le_bytes(*length) as usize;
    if length > rest.len()
        || padded.len() != (4 + length).next_multiple_of(REPLY_PADDING_BYTES)
        || rest[length..].iter().any(|byte| *byte != 0)
    {
        return Err(MalformedPadding);
    }
    Ok(&rest[..length])
}
