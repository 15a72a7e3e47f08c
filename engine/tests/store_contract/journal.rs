//! Journals: append-only, without gaps, read from either end and in parts.

use std::sync::Arc;

use stepwell::store::{Chunk, Conflict, ExecutionRecord, HistoryRange, Order, Store};

use crate::samples::{
    append, check_conflict, chunk, execution, new_execution, record, state_machine,
};

pub(crate) async fn a_journal_reads_back_in_order(store: Arc<dyn Store>) {
    let execution = execution(&*store).await;
    let large = Chunk {
        bytes: vec![0xA5; 100_000],
        ..chunk(4, 10)
    };
    store
        .append(append(&execution, large.clone()))
        .await
        .unwrap();
    store
        .append(append(&execution, chunk(11, 11)))
        .await
        .unwrap();
    let journal = store.journal(execution.key, 1, 1_000_000).await.unwrap();
    assert_eq!(journal, [chunk(1, 3), large, chunk(11, 11)]);
    assert_eq!(
        store.last_chunk(execution.key).await.unwrap(),
        Some(chunk(11, 11))
    );
}

pub(crate) async fn a_journal_is_read_from_the_chunk_that_holds_a_number(store: Arc<dyn Store>) {
    let execution = execution(&*store).await;
    let all = [chunk(1, 3), chunk(4, 4), chunk(5, 9)];
    for chunk in &all[1..] {
        store
            .append(append(&execution, chunk.clone()))
            .await
            .unwrap();
    }
    for (from, skipped) in [
        (0, 0),
        (1, 0),
        (3, 0),
        (4, 1),
        (5, 2),
        (9, 2),
        (10, 3),
        (u64::MAX, 3),
    ] {
        let journal = store.journal(execution.key, from, 1_000_000).await.unwrap();
        assert_eq!(journal, all[skipped..], "from {from}");
    }
}

pub(crate) async fn a_journal_is_read_in_parts(store: Arc<dyn Store>) {
    let execution = execution(&*store).await;
    for n in 4..20 {
        let chunk = Chunk {
            bytes: vec![1; 1000],
            ..chunk(n, n)
        };
        store.append(append(&execution, chunk)).await.unwrap();
    }
    // One chunk at least, whatever the limit says.
    assert_eq!(store.journal(execution.key, 4, 0).await.unwrap().len(), 1);
    let mut from = 1;
    let mut parts = 0;
    loop {
        let part = store.journal(execution.key, from, 5000).await.unwrap();
        let Some(last) = part.last() else { break };
        assert_eq!(part[0].first, from);
        assert!(part.iter().map(|chunk| chunk.bytes.len()).sum::<usize>() <= 5000);
        from = last.last + 1;
        parts += 1;
    }
    assert_eq!((from, parts), (20, 4));
}

pub(crate) async fn a_gap_an_overlap_and_a_repetition_are_refused(store: Arc<dyn Store>) {
    let execution = execution(&*store).await;
    for (first, last) in [(5, 6), (3, 4), (1, 3), (0, 0), (u64::MAX, u64::MAX)] {
        let answer = store.append(append(&execution, chunk(first, last))).await;
        let expected = Conflict::NotContiguous {
            execution: execution.key,
            expected: 4,
            found: first,
        };
        check_conflict(answer, expected);
    }
    let answer = store.append(append(&execution, chunk(4, 3))).await;
    check_conflict(
        answer,
        Conflict::NotAChunk {
            execution: execution.key,
            first: 4,
        },
    );
    let journal = store.journal(execution.key, 1, 1000).await.unwrap();
    assert_eq!(journal, [chunk(1, 3)]);
}

pub(crate) async fn a_history_gap_is_refused(store: Arc<dyn Store>) {
    let execution = execution(&*store).await;
    let gap = Chunk {
        first_history: 5,
        last_history: 6,
        ..chunk(4, 5)
    };
    let answer = store.append(append(&execution, gap)).await;
    let expected = Conflict::HistoryNotContiguous {
        execution: execution.key,
        expected: 4,
        found: 5,
    };
    check_conflict(answer, expected);
    let backwards = Chunk {
        first_history: 4,
        last_history: 2,
        ..chunk(4, 5)
    };
    let answer = store.append(append(&execution, backwards)).await;
    check_conflict(
        answer,
        Conflict::NotAChunk {
            execution: execution.key,
            first: 4,
        },
    );
}

pub(crate) async fn a_beginning_with_a_gap_creates_nothing(store: Arc<dyn Store>) {
    let machine = state_machine(&*store, "machine").await;
    let record = record(&machine, 1);
    for chunks in [vec![chunk(2, 2)], vec![chunk(1, 1), chunk(3, 3)]] {
        let mut new = new_execution(record.clone());
        let (expected, found) = if chunks.len() == 1 { (1, 2) } else { (2, 3) };
        new.chunks = chunks;
        let answer = store.create_execution(new).await;
        let execution = record.key;
        check_conflict(
            answer,
            Conflict::NotContiguous {
                execution,
                expected,
                found,
            },
        );
        assert_eq!(store.execution(record.key).await.unwrap(), None);
        assert_eq!(store.last_chunk(record.key).await.unwrap(), None);
    }
}

/// History ids 1 to 3, none, 4, 5 to 9, none, 10 to 12.
async fn with_silent_chunks(store: &dyn Store) -> (ExecutionRecord, Vec<Chunk>) {
    let execution = execution(store).await;
    let mut chunks = vec![chunk(1, 3)];
    for (first, last, first_history, last_history) in [
        (4, 8, 4, 3),
        (9, 9, 4, 4),
        (10, 20, 5, 9),
        (21, 22, 10, 9),
        (23, 25, 10, 12),
    ] {
        let chunk = Chunk {
            first_history,
            last_history,
            ..chunk(first, last)
        };
        store
            .append(append(&execution, chunk.clone()))
            .await
            .unwrap();
        chunks.push(chunk);
    }
    (execution, chunks)
}

pub(crate) async fn a_history_range_finds_its_chunks(store: Arc<dyn Store>) {
    let (execution, chunks) = with_silent_chunks(&*store).await;
    for from in 0..14 {
        for to in 0..14 {
            let mut expected: Vec<_> = chunks
                .iter()
                .filter(|chunk| chunk.first_history <= chunk.last_history)
                .filter(|chunk| chunk.first_history <= to && from <= chunk.last_history)
                .filter(|_| from <= to)
                .cloned()
                .collect();
            for order in [Order::Ascending, Order::Descending] {
                let range = HistoryRange {
                    from,
                    to,
                    order,
                    bytes_max: 1_000_000,
                };
                let found = store.history(execution.key, range).await.unwrap();
                assert_eq!(found, expected, "{range:?}");
                expected.reverse();
            }
        }
    }
}

pub(crate) async fn a_history_is_read_in_parts(store: Arc<dyn Store>) {
    let execution = execution(&*store).await;
    for n in 4..100 {
        store.append(append(&execution, chunk(n, n))).await.unwrap();
    }
    let mut range = HistoryRange {
        from: 1,
        to: u64::MAX,
        order: Order::Ascending,
        bytes_max: 1000,
    };
    let mut next = 1;
    loop {
        let part = store.history(execution.key, range).await.unwrap();
        let Some(last) = part.last() else { break };
        assert_eq!(part[0].first_history, next);
        assert!(part.len() < 20);
        next = last.last_history + 1;
        range.from = next;
    }
    assert_eq!(next, 100);

    let mut range = HistoryRange {
        from: 1,
        to: u64::MAX,
        order: Order::Descending,
        bytes_max: 1000,
    };
    let mut next = 99;
    while next > 0 {
        let part = store.history(execution.key, range).await.unwrap();
        assert_eq!(part[0].last_history, next);
        next = part.last().unwrap().first_history - 1;
        range.to = next;
    }
    assert_eq!(store.history(execution.key, range).await.unwrap(), []);
}

pub(crate) async fn silent_chunks_show_nothing(store: Arc<dyn Store>) {
    let (execution, chunks) = with_silent_chunks(&*store).await;
    let range = HistoryRange {
        from: 1,
        to: 99,
        order: Order::Ascending,
        bytes_max: 1_000_000,
    };
    assert_eq!(store.history(execution.key, range).await.unwrap().len(), 4);
    assert_eq!(
        store.journal(execution.key, 1, 1_000_000).await.unwrap(),
        chunks
    );
}
