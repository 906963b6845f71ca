// The contender that is etcd's own: client/v3/mirror fills a map and keeps it up to date.
//
// The benchmark runs it as `go-mirror ENDPOINT PREFIX` and speaks with it as with its other children:
// crates/bench-etcd/src/maps/child.rs describes the lines. It measures from before it connects.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"strconv"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/mirror"
)

// The end of the name of the last key, and how many digits of its value are its generation.
const (
	sentinel = "~last"
	digits   = 10
)

type entry struct {
	value    []byte
	revision int64
}

// content is what the program keeps of the range.
type content struct {
	entries map[string]entry
	newest  uint64
	taken   uint64
}

func (c *content) put(key, value []byte, revision int64) {
	c.taken++
	name := string(key)
	c.entries[name] = entry{value, revision}
	if !strings.HasSuffix(name, sentinel) || len(value) < digits {
		return
	}
	generation, err := strconv.ParseUint(string(value[:digits]), 10, 32)
	if err == nil && generation > c.newest {
		c.newest = generation
		fmt.Printf("seen %d %d\n", generation, c.taken)
	}
}

func (c *content) remove(key []byte) {
	c.taken++
	delete(c.entries, string(key))
}

func main() {
	if len(os.Args) != 3 {
		log.Fatal("go-mirror ENDPOINT PREFIX")
	}
	content := content{entries: make(map[string]entry)}
	go follow(os.Args[1], os.Args[2], &content)
	// The pipe ends with the parent at the latest.
	_, _ = io.Copy(io.Discard, os.Stdin)
}

func follow(endpoint, prefix string, content *content) {
	start := time.Now()
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{endpoint}})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	syncer := mirror.NewSyncer(client, prefix, 0)
	pages, errs := syncer.SyncBase(ctx)
	for page := range pages {
		for _, kv := range page.Kvs {
			content.put(kv.Key, kv.Value, kv.ModRevision)
		}
	}
	if err := <-errs; err != nil {
		log.Fatal(err)
	}
	fmt.Printf("ready %f\n", time.Since(start).Seconds()*1000)
	for response := range syncer.SyncUpdates(ctx) {
		if err := response.Err(); err != nil {
			log.Fatal(err)
		}
		for _, event := range response.Events {
			if event.Type == clientv3.EventTypeDelete {
				content.remove(event.Kv.Key)
			} else {
				content.put(event.Kv.Key, event.Kv.Value, event.Kv.ModRevision)
			}
		}
	}
}
