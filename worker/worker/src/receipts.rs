//! Receipts, signed in batches: whatever waits when the signer is free goes under one signature.

use std::sync::{Arc, mpsc};
use wire::receipt::{BATCH_LEAVES_MAX, Receipt, ReceiptBody};
use worker_core::Identity;

struct Wanted {
    body: ReceiptBody,
    reply: mpsc::SyncSender<Receipt>,
}

/// Signs receipts on a thread of its own.
pub struct ReceiptSigner {
    queue: mpsc::SyncSender<Wanted>,
}

impl ReceiptSigner {
    /// Starts the thread; it ends when this value is dropped.
    pub fn start(identity: Arc<Identity>) -> std::io::Result<Self> {
        let (queue, wanted) = mpsc::sync_channel(BATCH_LEAVES_MAX as usize);
        std::thread::Builder::new()
            .name("receipts".to_owned())
            .spawn(move || sign_batches(&identity, &wanted))?;
        Ok(Self { queue })
    }

    /// A receipt for `body`; waits for the signature. `None` if the signer has ended.
    pub fn sign(&self, body: ReceiptBody) -> Option<Receipt> {
        let (reply, receipt) = mpsc::sync_channel(1);
        self.queue.send(Wanted { body, reply }).ok()?;
        receipt.recv().ok()
    }
}

fn sign_batches(identity: &Identity, wanted: &mpsc::Receiver<Wanted>) {
    while let Ok(first) = wanted.recv() {
        let mut batch = vec![first];
        batch.extend(wanted.try_iter().take(BATCH_LEAVES_MAX as usize - 1));
        let (bodies, replies): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|wanted| (wanted.body, wanted.reply)).unzip();
        match secrets::receipt::sign_batch(identity.signing(), bodies) {
            Ok(receipts) => {
                for (receipt, reply) in receipts.into_iter().zip(replies) {
                    // Who asked may have gone.
                    let _ = reply.send(receipt);
                }
            }
            Err(error) => tracing::error!(%error, "a batch of receipts was not signed"),
        }
    }
}
