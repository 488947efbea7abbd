// Threads that all need one lock, and hold it while they sleep.
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

#[inline(never)]
fn hold_the_lock(lock: &Mutex<u32>) {
    let mut turns = lock.lock().unwrap();
    thread::sleep(Duration::from_millis(5));
    *turns += 1;
}

fn main() {
    let lock = Arc::new(Mutex::new(0));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let lock = Arc::clone(&lock);
            thread::spawn(move || {
                for _ in 0..5 {
                    hold_the_lock(&lock);
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    println!("{}", lock.lock().unwrap());
}
