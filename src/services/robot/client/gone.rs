//! When a request went out: a name, a connection and its encryption may take seconds before the first byte of it does.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::Instant;

/// The moment is known to all clones.
#[derive(Clone, Default)]
pub struct Gone(Arc<Mutex<Option<Instant>>>);

impl Gone {
    /// It goes out now. Of a request that was sent on to another address this is the last time.
    pub fn now(&self) {
        *self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(Instant::now());
    }

    /// `None` while it is not gone.
    pub fn at(&self) -> Option<Instant> {
        *self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// A body that notes when it is taken to be written.
pub(super) fn noted(body: String, gone: &Gone) -> reqwest::Body {
    reqwest::Body::wrap(Noted { body: Some(body.into()), gone: gone.clone() })
}

struct Noted {
    body: Option<Bytes>,
    gone: Gone,
}

impl Body for Noted {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let body = self.body.take();
        if body.is_some() {
            self.gone.now();
        }
        Poll::Ready(body.map(|body| Ok(Frame::data(body))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_none()
    }

    /// Exact, so that the length is told in the header: robots' bodies were never sent in chunks.
    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.body.as_ref().map_or(0, |body| body.len() as u64))
    }
}
