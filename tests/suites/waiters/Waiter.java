/** Threads that wait: for a lock, a queue, and time. */
import java.util.concurrent.ArrayBlockingQueue;

public class Waiter {
    static final Object lock = new Object();
    static final ArrayBlockingQueue<Integer> items = new ArrayBlockingQueue<>(10);

    static void hold() throws InterruptedException {
        synchronized (lock) {
            Thread.sleep(3);
        }
    }

    interface Work {
        void once() throws InterruptedException;
    }

    static void start(Work work) {
        Thread thread = new Thread(() -> {
            try {
                while (true) work.once();
            } catch (InterruptedException e) {
            }
        });
        thread.setDaemon(true);
        thread.start();
    }

    public static void main(String[] arguments) throws InterruptedException {
        start(Waiter::hold);
        start(Waiter::hold);
        start(() -> items.take());
        while (true) {
            items.put(1);
            Thread.sleep(4);
        }
    }
}
