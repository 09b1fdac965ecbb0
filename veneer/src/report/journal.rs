//! One structured entry a boot for the journal, by its native protocol (systemd's JOURNAL_NATIVE_PROTOCOL document).

use std::os::unix::net::UnixDatagram;

use super::{Outcome, Status};

/// `MESSAGE_ID=` of the entry for a boot with a layer.
pub const MESSAGE_LAYER: &str = "081067ba1747480aaac504374369341d";
/// `MESSAGE_ID=` of the entry for a pristine boot.
pub const MESSAGE_PRISTINE: &str = "8acb55678097481db3a0ce7ab99f9b6c";

/// Sends what this boot did to the journal at `socket`. Without a journal there is nobody to tell: the kernel log has
/// the same sentence.
pub fn tell_journal(socket: &std::path::Path, status: &Status) {
    let (id, priority) = match status.outcome {
        Outcome::Layer => (MESSAGE_LAYER, 6),
        Outcome::Pristine => (MESSAGE_PRISTINE, 4),
    };
    let reason = status.reason.code();
    let layer = status.layer.as_ref().map(|layer| layer.id.to_string()).unwrap_or_default();
    let base = &status.base.id;
    // A value of one line may stand behind the equals sign.
    let message = status.message.replace(['\n', '\0'], " ");
    let entry = format!(
        "MESSAGE={message}\nMESSAGE_ID={id}\nPRIORITY={priority}\nSYSLOG_IDENTIFIER=veneer\n\
         VENEER_REASON={reason}\nVENEER_LAYER={layer}\nVENEER_BASE={base}\n"
    );
    let sent = UnixDatagram::unbound().and_then(|from| {
        let sent = from.send_to(entry.as_bytes(), socket);
        // It is the last thing that a boot does: closed with the process.
        std::mem::forget(from);
        sent
    });
    if let Err(error) = sent {
        log::debug!("no journal at {}: {error}", socket.display());
    }
}
