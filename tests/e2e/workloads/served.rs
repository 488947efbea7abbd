// A Rust service that goes on until its standard input ends: a thread wants a lock that another
// holds most of the time, and one computes. It keeps what it was given room for.
use std::io::Read;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

#[inline(never)]
fn hold_lock(lock: &Mutex<u64>) {
    let mut turns = lock.lock().unwrap();
    thread::sleep(Duration::from_millis(20));
    *turns += 1;
}

#[inline(never)]
fn want_lock(lock: &Mutex<u64>) {
    *lock.lock().unwrap() += 1;
}

#[inline(never)]
fn compute(sum: u64) -> u64 {
    let sum = (0..1_000_000).fold(sum, |sum, number| {
        (sum ^ number).wrapping_mul(0x9e3779b97f4a7c15)
    });
    // It is used, as far as anyone knows.
    unsafe { std::ptr::read_volatile(&sum) }
}

#[inline(never)]
fn keep_blocks() -> Vec<Vec<u8>> {
    (0..100).map(|_| vec![1; 7777]).collect()
}

fn repeat(name: &str, mut work: impl FnMut() + Send + 'static) {
    let body = move || loop {
        work();
    };

    thread::Builder::new()
        .name(name.to_string())
        .spawn(body)
        .unwrap();
}

fn main() {
    let lock = Arc::new(Mutex::new(0));
    let (held, wanted) = (Arc::clone(&lock), lock);
    let mut sum = 0;
    let kept = keep_blocks();

    repeat("holder", move || {
        hold_lock(&held);
        thread::sleep(Duration::from_millis(1));
    });
    repeat("waiter", move || want_lock(&wanted));
    repeat("worker", move || sum = compute(sum));
    println!("{}", kept.len());
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    std::process::exit(0);
}
