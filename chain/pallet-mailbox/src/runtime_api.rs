//! What a worker asks a node about its messages.

use wire::message::MessageSender;

polkadot_sdk::sp_api::decl_runtime_apis! {
    /// The state of worker messages.
    pub trait MqApi {
        /// The number that the sender's next message must have; `None` if it never sent one, which
        /// means 0.
        fn sender_sequence(sender: MessageSender) -> Option<u64>;
    }
}
