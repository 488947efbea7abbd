// Threads that wait in functions that are known by name: for a lock, a channel, and time.
use std::sync::{mpsc, Arc, Mutex};
use std::thread;
use std::time::Duration;

#[inline(never)]
fn nap(milliseconds: u64) {
    thread::sleep(Duration::from_millis(milliseconds));
}

#[inline(never)]
fn hold(lock: &Mutex<u64>) {
    let mut count = lock.lock().unwrap();
    *count += 1;
    nap(3);
}

fn main() {
    let lock = Arc::new(Mutex::new(0));
    let (sender, receiver) = mpsc::channel::<u64>();

    for _ in 0..2 {
        let lock = lock.clone();
        thread::spawn(move || loop {
            hold(&lock);
            nap(1);
        });
    }
    thread::spawn(move || loop {
        receiver.recv().unwrap();
    });
    loop {
        sender.send(1).unwrap();
        nap(4);
    }
}
