//! Who may advance an execution, and how others reach whoever does.

use std::sync::Arc;

use stepwell::interpreter::Timestamp;
use stepwell::store::{
    Append, Claim, Conflict, Epoch, ExecutionKey, ExecutionRecord, ExecutionStatus, Lease,
    LetterAnswer, LetterKey, Store, StoreError, Timer, Window,
};

use crate::samples::{
    OWNER, append, at, check_conflict, chunk, create, execution, new_execution, record,
    state_machine,
};

/// When the leases of these tests run out.
const END: i64 = 1_000;

/// An execution whose owner's lease lasts until `END`, and another owner.
async fn held(store: &dyn Store) -> (ExecutionRecord, Epoch) {
    let owners = store.owners();
    let first = owners.join(at(END)).await.unwrap();
    let other = owners.join(Timestamp::MAX).await.unwrap();
    let machine = state_machine(store, "machine").await;
    let record = ExecutionRecord {
        owner: first,
        ..record(&machine, 1)
    };
    create(store, record.clone()).await;
    (record, other)
}

#[track_caller]
fn check_lease_ended<T: std::fmt::Debug>(answer: Result<T, StoreError>, epoch: Epoch) {
    match answer {
        Err(StoreError::LeaseEnded { epoch: ended }) => assert_eq!(ended, epoch.0),
        other => panic!("expected that the lease has ended, found {other:?}"),
    }
}

fn by(owner: Epoch, record: &ExecutionRecord) -> Append {
    Append {
        epoch: owner,
        ..append(record, chunk(4, 4))
    }
}

pub(crate) async fn each_owner_has_a_higher_epoch(store: Arc<dyn Store>) {
    let second = store.owners().join(at(7)).await.unwrap();
    assert!(second > OWNER);
    let expected = [(OWNER, Timestamp::MAX), (second, at(7))];
    let expected = expected.map(|(epoch, until)| Lease { epoch, until });
    assert_eq!(store.owners().leases().await.unwrap(), expected);
    // Their executions never meet.
    assert!(second.execution_key(1) > OWNER.execution_key((1 << 40) - 1));
}

pub(crate) async fn an_owner_without_a_lease_writes_nothing(store: Arc<dyn Store>) {
    let owners = store.owners();
    let first = execution(&*store).await;
    owners.leave(OWNER).await.unwrap();
    owners.leave(OWNER).await.unwrap();

    check_lease_ended(store.append(append(&first, chunk(4, 4))).await, OWNER);
    let machine = store.state_machine("machine").await.unwrap().unwrap();
    let new = new_execution(record(&machine, 2));
    check_lease_ended(store.create_execution(new).await, OWNER);
    check_lease_ended(owners.claim(OWNER, first.key, at(0)).await, OWNER);
    check_lease_ended(owners.renew(OWNER, at(9)).await, OWNER);
    assert_eq!(store.execution(ExecutionKey(2)).await.unwrap(), None);
    let last = store.last_chunk(first.key).await.unwrap();
    assert_eq!(last, Some(chunk(1, 3)));
}

pub(crate) async fn a_stale_owner_is_refused(store: Arc<dyn Store>) {
    let (held, other) = held(&*store).await;
    let claim = store.owners().claim(other, held.key, at(END)).await;
    assert_eq!(claim.unwrap(), Claim::Claimed);

    // It knows nothing of that yet, and its lease is renewed too late.
    store.owners().renew(held.owner, at(2 * END)).await.unwrap();
    let refused = Conflict::HeldByAnother {
        execution: held.key,
        owner: other.0,
    };
    check_conflict(store.append(by(held.owner, &held)).await, refused);
    let last = store.last_chunk(held.key).await.unwrap();
    assert_eq!(last, Some(chunk(1, 3)));
    store.append(by(other, &held)).await.unwrap();
    let record = store.execution(held.key).await.unwrap().unwrap();
    assert_eq!(record.owner, other);
}

pub(crate) async fn an_execution_that_is_held_is_not_claimed(store: Arc<dyn Store>) {
    let (held, other) = held(&*store).await;
    let owners = store.owners();
    let claim = owners.claim(other, held.key, at(END - 1)).await.unwrap();
    assert_eq!(claim, Claim::HeldBy(held.owner));
    let claim = owners.claim(held.owner, held.key, at(END - 1)).await;
    assert_eq!(claim.unwrap(), Claim::Kept);
    let refused = Conflict::HeldByAnother {
        execution: held.key,
        owner: held.owner.0,
    };
    check_conflict(store.append(by(other, &held)).await, refused);
    store.append(by(held.owner, &held)).await.unwrap();
    let unknown = owners.claim(other, ExecutionKey(7), at(0)).await;
    check_conflict(unknown, Conflict::UnknownExecution(ExecutionKey(7)));
}

pub(crate) async fn an_execution_that_has_ended_is_free(store: Arc<dyn Store>) {
    let (held, other) = held(&*store).await;
    let ended = ExecutionRecord {
        status: ExecutionStatus::Failed,
        stopped_at: Some(at(1)),
        ..held.clone()
    };
    store.append(append(&ended, chunk(4, 4))).await.unwrap();
    let owners = store.owners();
    let claim = owners.claim(other, held.key, at(2)).await.unwrap();
    assert_eq!(claim, Claim::Claimed);
    let refused = Conflict::HeldByAnother {
        execution: held.key,
        owner: other.0,
    };
    check_conflict(store.append(append(&held, chunk(5, 5))).await, refused);
    let redriven = ExecutionRecord {
        owner: other,
        ..held.clone()
    };
    store.append(append(&redriven, chunk(5, 5))).await.unwrap();
    let claim = owners.claim(held.owner, held.key, at(2)).await.unwrap();
    assert_eq!(claim, Claim::HeldBy(other));
}

pub(crate) async fn a_lease_is_taken_over_when_it_has_run_out(store: Arc<dyn Store>) {
    let (held, other) = held(&*store).await;
    let owners = store.owners();
    // As long as nobody has claimed it, its owner may go on.
    store.append(by(held.owner, &held)).await.unwrap();
    let claim = owners.claim(other, held.key, at(END)).await.unwrap();
    assert_eq!(claim, Claim::Claimed);
    let claim = owners.claim(other, held.key, at(END)).await.unwrap();
    assert_eq!(claim, Claim::Kept);
    let claim = owners.claim(held.owner, held.key, at(END)).await.unwrap();
    assert_eq!(claim, Claim::HeldBy(other));
}

pub(crate) async fn a_lease_that_was_ended_frees_at_once(store: Arc<dyn Store>) {
    let (held, other) = held(&*store).await;
    store.owners().leave(held.owner).await.unwrap();
    let claim = store.owners().claim(other, held.key, at(0)).await.unwrap();
    assert_eq!(claim, Claim::Claimed);
}

pub(crate) async fn a_renewed_lease_goes_on(store: Arc<dyn Store>) {
    let (held, other) = held(&*store).await;
    let owners = store.owners();
    owners.renew(held.owner, at(2 * END)).await.unwrap();
    owners.renew(held.owner, at(END)).await.unwrap();
    let claim = owners.claim(other, held.key, at(2 * END - 1)).await;
    assert_eq!(claim.unwrap(), Claim::HeldBy(held.owner));
    let claim = owners.claim(other, held.key, at(2 * END)).await.unwrap();
    assert_eq!(claim, Claim::Claimed);
}

pub(crate) async fn an_inbox_is_drained_once(store: Arc<dyn Store>) {
    let (held, _) = held(&*store).await;
    let owners = store.owners();
    let letter = owners.deliver(held.key, b"hear".to_vec()).await.unwrap();
    let inbox = owners.inbox(held.owner, LetterKey(0), at(0), 10).await;
    let found: Vec<_> = inbox.unwrap().into_iter().map(|l| l.content).collect();
    assert_eq!(found, [b"hear"]);
    assert_eq!(owners.collect(letter).await.unwrap(), None);

    let taking = |chunk| Append {
        letter: Some(letter),
        ..append(&held, chunk)
    };
    store.append(taking(chunk(4, 4))).await.unwrap();
    let taken = Conflict::LetterTaken {
        execution: held.key,
        letter: letter.0,
    };
    check_conflict(store.append(taking(chunk(5, 5))).await, taken);
    let last = store.last_chunk(held.key).await.unwrap();
    assert_eq!(last, Some(chunk(4, 4)), "the refused append left nothing");
    let inbox = owners.inbox(held.owner, LetterKey(0), at(0), 10).await;
    assert_eq!(inbox.unwrap(), []);

    assert_eq!(
        owners.collect(letter).await.unwrap(),
        Some(LetterAnswer::Taken)
    );
    assert_eq!(owners.collect(letter).await.unwrap(), None);
}

pub(crate) async fn a_letter_waits_for_whoever_holds_its_execution(store: Arc<dyn Store>) {
    let (held, other) = held(&*store).await;
    let owners = store.owners();
    let mut letters = Vec::new();
    for content in [b"a", b"b", b"c"] {
        letters.push(owners.deliver(held.key, content.to_vec()).await.unwrap());
    }
    let inbox = async |owner, after, now, limit| {
        let inbox = owners.inbox(owner, after, now, limit).await.unwrap();
        inbox.iter().map(|letter| letter.key).collect::<Vec<_>>()
    };
    assert_eq!(
        inbox(held.owner, LetterKey(0), at(0), 2).await,
        letters[..2]
    );
    assert_eq!(inbox(held.owner, letters[1], at(0), 2).await, letters[2..]);
    assert_eq!(inbox(other, LetterKey(0), at(END - 1), 9).await, []);
    assert_eq!(inbox(other, LetterKey(0), at(END), 9).await, letters);
    let unknown = owners.deliver(ExecutionKey(7), Vec::new()).await;
    check_conflict(unknown, Conflict::UnknownExecution(ExecutionKey(7)));
}

pub(crate) async fn a_letter_that_came_too_late_says_so(store: Arc<dyn Store>) {
    let (held, _) = held(&*store).await;
    let owners = store.owners();
    let letter = owners.deliver(held.key, Vec::new()).await.unwrap();
    owners.discard(letter).await.unwrap();
    owners.discard(letter).await.unwrap();
    let inbox = owners.inbox(held.owner, LetterKey(0), at(0), 10).await;
    assert_eq!(inbox.unwrap(), []);
    let answer = owners.collect(letter).await.unwrap();
    assert_eq!(answer, Some(LetterAnswer::Discarded));
    owners.discard(letter).await.unwrap();
    assert_eq!(owners.collect(letter).await.unwrap(), None);
}

pub(crate) async fn whoever_waits_for_letters_is_woken(store: Arc<dyn Store>) {
    let (held, _) = held(&*store).await;
    let owners = store.owners();
    let mut post = owners.post();
    assert!(!post.has_changed().unwrap());
    let letter = owners.deliver(held.key, Vec::new()).await.unwrap();
    post.changed().await.unwrap();
    let taking = Append {
        letter: Some(letter),
        ..append(&held, chunk(4, 4))
    };
    store.append(taking).await.unwrap();
    post.changed().await.unwrap();
    store.append(append(&held, chunk(5, 5))).await.unwrap();
    assert!(!post.has_changed().unwrap(), "no letter, no news");
}

fn window(after: Option<Timer>, until: i64, limit: usize) -> Window {
    Window {
        after,
        until: at(until),
        limit,
    }
}

fn timer(n: u64, milliseconds: i64) -> Timer {
    Timer {
        at: at(milliseconds),
        execution: ExecutionKey(n),
    }
}

pub(crate) async fn timers_come_in_order(store: Arc<dyn Store>) {
    let machine = state_machine(&*store, "machine").await;
    let timers = async |after, until, limit| {
        let window = window(after, until, limit);
        store.owners().timers(OWNER, window, at(0)).await.unwrap()
    };
    assert_eq!(timers(None, 99, 10).await, []);
    for (n, wake_at) in [
        (1, Some(30)),
        (2, Some(10)),
        (3, None),
        (4, Some(20)),
        (5, Some(20)),
    ] {
        let wake_at = wake_at.map(at);
        let record = ExecutionRecord {
            wake_at,
            ..record(&machine, n)
        };
        create(&*store, record).await;
    }
    assert_eq!(timers(None, 9, 10).await, []);
    let due = [timer(2, 10), timer(4, 20), timer(5, 20), timer(1, 30)];
    assert_eq!(timers(None, 20, 10).await, due[..3]);
    assert_eq!(timers(None, 99, 2).await, due[..2]);
    assert_eq!(timers(Some(due[0]), 99, 1).await, due[1..2]);
    assert_eq!(timers(Some(due[1]), 99, 10).await, due[2..]);
    assert_eq!(timers(Some(due[3]), 99, 10).await, []);
    assert_eq!(timers(Some(timer(u64::MAX, 10)), 20, 10).await, due[1..3]);
    assert_eq!(timers(Some(due[3]), 20, 10).await, []);

    // One is moved, one is dropped.
    let moved = ExecutionRecord {
        wake_at: Some(at(25)),
        ..record(&machine, 2)
    };
    store.append(append(&moved, chunk(4, 4))).await.unwrap();
    let dropped = append(&record(&machine, 4), chunk(4, 4));
    store.append(dropped).await.unwrap();
    let due = [timer(5, 20), timer(2, 25), timer(1, 30)];
    assert_eq!(timers(None, 99, 10).await, due);
}

pub(crate) async fn timers_are_those_that_nobody_else_holds(store: Arc<dyn Store>) {
    let (held, other) = held(&*store).await;
    let parked = ExecutionRecord {
        wake_at: Some(at(5)),
        ..held.clone()
    };
    store.append(append(&parked, chunk(4, 4))).await.unwrap();
    let timers = async |owner, now| {
        let window = window(None, 99, 10);
        store.owners().timers(owner, window, at(now)).await.unwrap()
    };
    assert_eq!(timers(held.owner, END).await, [timer(1, 5)]);
    assert_eq!(timers(other, END - 1).await, []);
    assert_eq!(timers(other, END).await, [timer(1, 5)]);
}
