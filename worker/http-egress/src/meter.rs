//! A connection over which only so much can be received.
//!
//! It counts what comes from the peer before anything reads meaning into it, so that no way of sending
//! much and saying little (interim responses without end, empty TLS records, padding of chunks) is
//! longer than a few times the longest response.

use contract_abi::http::HttpError;
use std::{
    error::Error,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The peer sent more than it may.
#[derive(Debug, thiserror::Error)]
#[error("the peer sent more bytes than any allowed response needs")]
struct Flood;

/// What a failure of the connection means to a contract.
pub(crate) fn error_of(error: &(dyn Error + 'static)) -> HttpError {
    let mut cause = Some(error);
    while let Some(error) = cause {
        // An input-output error hides what it was made of from `source`.
        let hidden = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        if error.is::<Flood>() || hidden.is_some_and(|hidden| hidden.is::<Flood>()) {
            return HttpError::ResponseTooLarge;
        }
        cause = error.source();
    }
    HttpError::NetworkError
}

/// See the module.
pub(crate) struct Metered<T> {
    inner: T,
    left: u64,
}

impl<T> Metered<T> {
    pub fn new(inner: T, bytes_max: u64) -> Self {
        Self {
            inner,
            left: bytes_max,
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Metered<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?;
        let count = buffer.filled().len().saturating_sub(before);
        Poll::Ready(match self.left.checked_sub(count as u64) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(io::Error::other(Flood)),
        })
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Metered<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
