//! Waiting for the first of two things, without a runtime.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

/// Which of the two came first.
pub(super) enum First<A, B> {
    /// The first one; also when both are there.
    A(A),
    /// The second one.
    B(B),
}

/// Waits for the first of two futures, and drops the other.
pub(super) async fn first_of<A, B>(a: impl Future<Output = A>, b: impl Future<Output = B>) -> First<A, B> {
    let (mut a, mut b) = (pin!(a), pin!(b));
    poll_fn(|context| match a.as_mut().poll(context) {
        Poll::Ready(value) => Poll::Ready(First::A(value)),
        Poll::Pending => b.as_mut().poll(context).map(First::B),
    })
    .await
}
