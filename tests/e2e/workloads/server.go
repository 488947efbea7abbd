// A server that takes its time for each answer, and its clients, in one program.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

const (
	clients  = 4
	requests = 25
)

func answerSlowly(connection net.Conn) {
	request := make([]byte, 5)
	for {
		if _, err := io.ReadFull(connection, request); err != nil {
			return
		}
		time.Sleep(2 * time.Millisecond)
		connection.Write(request)
	}
}

func serve(listener net.Listener) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		go answerSlowly(connection)
	}
}

func ask(address string, done *sync.WaitGroup) {
	defer done.Done()
	connection, err := net.Dial("tcp", address)
	if err != nil {
		panic(err)
	}
	answer := make([]byte, 5)
	for i := 0; i < requests; i++ {
		connection.Write([]byte("hello"))
		io.ReadFull(connection, answer)
	}
	connection.Close()
}

func syncEach(path string) {
	file, err := os.Create(path)
	if err != nil {
		panic(err)
	}
	for i := 0; i < 5; i++ {
		fmt.Fprintln(file, i)
		file.Sync()
	}
	file.Close()
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	var done sync.WaitGroup
	go serve(listener)
	for i := 0; i < clients; i++ {
		done.Add(1)
		go ask(listener.Addr().String(), &done)
	}
	syncEach(os.Args[1])
	done.Wait()
}
