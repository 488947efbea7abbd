import java.io.*;
import java.net.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.LongStream;

/** Threads that wait for each other in the ways that a JVM has; prints what came of it. */
public class Threads {
    private static final int TURNS = 2000, THREADS = 4;
    private static int turn;

    static void takeTurns(int number) {
        for (int i = 0; i < TURNS / 10; i++)
            synchronized (Threads.class) {
                while (turn % THREADS != number)
                    try {
                        Threads.class.wait();
                    } catch (InterruptedException e) {
                        return;
                    }
                turn++;
                Threads.class.notifyAll();
            }
    }

    static long throughQueue() throws Exception {
        BlockingQueue<Integer> queue = new ArrayBlockingQueue<>(8);
        FutureTask<Long> sum = new FutureTask<>(() -> {
            long total = 0;
            for (int i = 0; i < TURNS; i++)
                total += queue.take();
            return total;
        });
        new Thread(sum).start();
        for (int i = 0; i < TURNS; i++)
            queue.put(i);
        return sum.get();
    }

    static long throughSockets() throws Exception {
        try (ServerSocket server = new ServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
            AtomicLong sum = new AtomicLong();
            Thread reader = new Thread(() -> {
                try (Socket socket = server.accept();
                     DataInputStream in = new DataInputStream(socket.getInputStream())) {
                    for (int i = 0; i < TURNS; i++)
                        sum.addAndGet(in.readInt());
                } catch (IOException e) {
                    sum.set(-1);
                }
            });
            reader.start();
            try (Socket socket = new Socket(server.getInetAddress(), server.getLocalPort());
                 DataOutputStream out = new DataOutputStream(socket.getOutputStream())) {
                for (int i = 0; i < TURNS; i++)
                    out.writeInt(i);
                reader.join();
            }
            return sum.get();
        }
    }

    public static void main(String[] arguments) throws Exception {
        Thread[] threads = new Thread[THREADS];
        for (int i = 0; i < THREADS; i++) {
            int number = i;
            (threads[i] = new Thread(() -> takeTurns(number))).start();
        }
        for (Thread thread : threads)
            thread.join();
        System.out.println("turns " + turn);
        System.out.println("queue " + throughQueue());
        System.out.println("sockets " + throughSockets());
        System.out.println("stream " + LongStream.range(0, 1_000_000).parallel().map(x -> x % 7).sum());
        ScheduledExecutorService timers = Executors.newScheduledThreadPool(2);
        CountDownLatch latch = new CountDownLatch(20);
        timers.scheduleAtFixedRate(latch::countDown, 1, 1, TimeUnit.MILLISECONDS);
        latch.await();
        timers.shutdownNow();
        System.out.println("timers " + timers.awaitTermination(5, TimeUnit.SECONDS));
        Process child = new ProcessBuilder("sh", "-c", "read x; echo $x; exit 3").start();
        child.getOutputStream().write("hello\n".getBytes());
        child.getOutputStream().close();
        System.out.print("child " + new String(child.getInputStream().readAllBytes()));
        System.out.println("status " + child.waitFor());
        System.gc();
    }
}
