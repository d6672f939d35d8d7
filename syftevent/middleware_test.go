package syftevent_test

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/syftevent/syftevent-go/syftevent"
)

// from returns a request as a server passes it to a router.
func from(sender string) *syftevent.Request {
	req, err := syftevent.NewRequest("POST", rpcURL+"/work", nil)
	if err != nil {
		panic(err)
	}
	req.Sender, req.SenderVerified = sender, true
	return req
}

func ok(context.Context, *syftevent.Request) (*syftevent.Response, error) {
	return syftevent.Text(200, "done"), nil
}

func TestBearerAuth(t *testing.T) {
	handler := syftevent.BearerAuth(func(_ context.Context, token string) bool { return token == "secret" })(syftevent.HandlerFunc(ok))
	for header, want := range map[string]int{"Bearer secret": 200, "bearer  secret": 200, "Bearer wrong": 401, "Bearer ": 401, "": 401, "Basic secret": 401, "secret": 401} {
		req := from(clientEmail)
		req.Headers.Set("authorization", header)
		response, err := handler.ServeSyft(context.Background(), req)
		if err != nil || response.StatusCode != want || want == 401 && response.Headers.Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("%q: %v, %v; want %d", header, response, err, want)
		}
	}
}

func TestRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handler := syftevent.RateLimit(3, time.Minute)(syftevent.HandlerFunc(ok))
		statuses := func(sender string, n int) (statuses []int, retry string) {
			for range n {
				response, err := handler.ServeSyft(context.Background(), from(sender))
				if err != nil {
					t.Fatal(err)
				}
				statuses, retry = append(statuses, response.StatusCode), response.Headers.Get("Retry-After")
			}
			return statuses, retry
		}
		check := func(sender string, want []int, wantRetry string) {
			t.Helper()
			got, retry := statuses(sender, len(want))
			if diff := cmp.Diff(want, got); diff != "" || retry != wantRetry {
				t.Errorf("%s: Retry-After %q, want %q; statuses (-want +got):\n%s", sender, retry, wantRetry, diff)
			}
		}
		check("a@example.com", []int{200, 200}, "")
		time.Sleep(20 * time.Second)
		check("a@example.com", []int{200, 429}, "40")
		check("b@example.com", []int{200, 200, 200, 429}, "60")
		time.Sleep(30 * time.Second)
		check("a@example.com", []int{429}, "10")
		time.Sleep(10 * time.Second)
		check("a@example.com", []int{200, 200, 429}, "20")
		time.Sleep(time.Hour)
		check("a@example.com", []int{200, 200, 200, 429}, "60")
	})
}

func TestMiddlewareKeepsSchema(t *testing.T) {
	inner := syftevent.Describe("Add.", syftevent.Typed(add))
	want := syftevent.GenerateSchema(inner)
	for name, middleware := range map[string]syftevent.Middleware{
		"BearerAuth": syftevent.BearerAuth(nil), "RateLimit": syftevent.RateLimit(1, time.Second),
		"Timeout": syftevent.Timeout(time.Second), "AuditLog": syftevent.AuditLog(nil), "Throttle": syftevent.Throttle(1),
	} {
		got := syftevent.GenerateSchema(middleware(inner))
		if got.Description != want.Description || len(got.Args) != 2 {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		work := func(d time.Duration, heeds bool) syftevent.Handler {
			return syftevent.Timeout(time.Second)(syftevent.HandlerFunc(func(ctx context.Context, _ *syftevent.Request) (*syftevent.Response, error) {
				if !heeds {
					ctx = context.Background()
				}
				if err := sleep(d)(ctx); err != nil {
					return nil, err
				}
				return syftevent.Text(200, "done"), nil
			}))
		}
		for _, test := range []struct {
			takes time.Duration
			heeds bool
			want  int
		}{{time.Millisecond, true, 200}, {time.Minute, true, 504}, {time.Minute, false, 504}} {
			began := time.Now()
			response, err := work(test.takes, test.heeds).ServeSyft(context.Background(), from(clientEmail))
			if err != nil || response.StatusCode != test.want || time.Since(began) > time.Second {
				t.Errorf("%+v: %v, %v after %v", test, response, err, time.Since(began))
			}
		}
		// A stop of the server is not a timeout: the request stays unanswered.
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if response, err := work(time.Minute, true).ServeSyft(ctx, from(clientEmail)); !errors.Is(err, context.Canceled) {
			t.Errorf("%v, %v", response, err)
		}
		defer func() {
			if fmt.Sprint(recover()) != "boom" {
				t.Error("a panic of the handler is lost")
			}
			time.Sleep(time.Hour) // the deaf handler ends
		}()
		syftevent.Timeout(time.Second)(syftevent.HandlerFunc(func(context.Context, *syftevent.Request) (*syftevent.Response, error) {
			panic("boom")
		})).ServeSyft(context.Background(), from(clientEmail))
	})
}

func TestAuditLog(t *testing.T) {
	var out bytes.Buffer
	audit := syftevent.AuditLog(slog.New(slog.NewTextHandler(&out, nil)))
	handlers := map[string]syftevent.HandlerFunc{
		"status=200": ok,
		"level=WARN": func(context.Context, *syftevent.Request) (*syftevent.Response, error) {
			return nil, syftevent.Errorf(403, "not you")
		},
		"status=500 reason=refused": func(context.Context, *syftevent.Request) (*syftevent.Response, error) {
			return nil, errors.New("refused")
		},
		"level=ERROR msg=request": func(context.Context, *syftevent.Request) (*syftevent.Response, error) {
			return nil, errors.New("refused")
		},
		"status=500 reason=panic": func(context.Context, *syftevent.Request) (*syftevent.Response, error) { panic("x") },
	}
	for want, handler := range handlers {
		out.Reset()
		func() {
			defer func() { recover() }()
			audit(handler).ServeSyft(context.Background(), from(clientEmail))
		}()
		for _, text := range []string{want, "sender=alice@example.com", "verified=true", "endpoint=/work", "method=POST", "id=", "took="} {
			if strings.Count(out.String(), "\n") != 1 || !strings.Contains(out.String(), text) {
				t.Errorf("%s: the log lacks %s: %s", want, text, &out)
			}
		}
	}
}

func TestThrottle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handler := syftevent.Throttle(2)(syftevent.HandlerFunc(func(context.Context, *syftevent.Request) (*syftevent.Response, error) {
			time.Sleep(time.Second)
			return syftevent.Text(200, "done"), nil
		}))
		began := time.Now()
		done := make(chan time.Duration)
		for range 6 {
			go func() {
				handler.ServeSyft(context.Background(), from(clientEmail))
				done <- time.Since(began)
			}()
		}
		var took []time.Duration
		for range 6 {
			took = append(took, <-done)
		}
		want := []time.Duration{time.Second, time.Second, 2 * time.Second, 2 * time.Second, 3 * time.Second, 3 * time.Second}
		if diff := cmp.Diff(want, took); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		for range 2 {
			go handler.ServeSyft(context.Background(), from(clientEmail))
		}
		synctest.Wait()
		if _, err := handler.ServeSyft(ctx, from(clientEmail)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		time.Sleep(time.Minute)
	})
}

func TestLimitsMustBePositive(t *testing.T) {
	for name, make := range map[string]func(){
		"RateLimit 0": func() { syftevent.RateLimit(0, time.Second) },
		"RateLimit -": func() { syftevent.RateLimit(1, 0) },
		"Throttle 0":  func() { syftevent.Throttle(0) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s did not panic", name)
				}
			}()
			make()
		}()
	}
}

func ExampleBearerAuth() {
	router := syftevent.NewRouter()
	tokens := map[string]string{"alice@example.com": "open sesame"}
	router.Use(syftevent.BearerAuth(func(ctx context.Context, token string) bool {
		own, ok := tokens[syftevent.RequestFrom(ctx).Sender]
		return ok && subtle.ConstantTimeCompare([]byte(token), []byte(own)) == 1
	}))
	router.OnRequest("/secure", func(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		return syftevent.JSON(200, map[string]string{"secure": "data"})
	})
	req, _ := syftevent.NewRequest("GET", "syft://bob@example.com/app_data/vault/rpc/secure", nil)
	response, _ := router.ServeSyft(context.Background(), req)
	fmt.Println(response.StatusCode, string(response.Body))
	req.Headers.Set("Authorization", "Bearer open sesame")
	for _, sender := range []string{"mallory@example.com", "alice@example.com"} {
		req.Sender = sender
		response, _ = router.ServeSyft(context.Background(), req)
		fmt.Println(response.StatusCode, string(response.Body))
	}
	// Output:
	// 401 Unauthorized
	// 401 Unauthorized
	// 200 {"secure":"data"}
}

func ExampleRateLimit() {
	handler := syftevent.RateLimit(1, time.Hour)(syftevent.HandlerFunc(ok))
	for range 2 {
		response, _ := handler.ServeSyft(context.Background(), from("alice@example.com"))
		fmt.Printf("%d %q\n", response.StatusCode, response.Headers.Get("Retry-After"))
	}
	// Output:
	// 200 ""
	// 429 "3600"
}

func ExampleTimeout() {
	handler := syftevent.Timeout(time.Millisecond)(syftevent.HandlerFunc(func(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		<-ctx.Done() // a long search
		return nil, ctx.Err()
	}))
	response, _ := handler.ServeSyft(context.Background(), from("alice@example.com"))
	fmt.Println(response.StatusCode)
	// Output: 504
}

func ExampleAuditLog() {
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == "time" || a.Key == "took" || a.Key == "id" {
			return slog.Attr{} // differ each time
		}
		return a
	}}))
	handler := syftevent.AuditLog(logger)(syftevent.HandlerFunc(ok))
	handler.ServeSyft(context.Background(), from("alice@example.com"))
	// Output: level=INFO msg=request sender=alice@example.com verified=true method=POST endpoint=/work status=200 reason=""
}

func ExampleThrottle() {
	router := syftevent.NewRouter()
	router.Use(syftevent.Throttle(4)) // at most four at once, whoever sends them
	router.OnRequest("/work", ok)
	response, _ := router.ServeSyft(context.Background(), from("alice@example.com"))
	fmt.Println(string(response.Body))
	// Output: done
}

// A body may contain any bytes: here a count and as many binary numbers. A MessagePack
// package would produce a similarly compact body.
func ExampleBytes() {
	handler := syftevent.HandlerFunc(func(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		if len(req.Body) < 4 || len(req.Body) != 4+8*int(binary.BigEndian.Uint32(req.Body)) {
			return nil, syftevent.Errorf(400, "want a count of 4 bytes and that many numbers of 8")
		}
		var sum uint64
		for numbers := req.Body[4:]; len(numbers) > 0; numbers = numbers[8:] {
			sum += binary.BigEndian.Uint64(numbers)
		}
		response := syftevent.Bytes(200, binary.BigEndian.AppendUint64(nil, sum))
		response.Headers.Set("Content-Type", "application/octet-stream")
		return response, nil
	})
	body := binary.BigEndian.AppendUint32(nil, 2)
	body = binary.BigEndian.AppendUint64(body, 40)
	body = binary.BigEndian.AppendUint64(body, 2)
	req, _ := syftevent.NewRequest("POST", "syft://bob@example.com/app_data/sums/rpc/sum", body)
	response, _ := handler.ServeSyft(context.Background(), req)
	fmt.Println(response.Headers.Get("Content-Type"), binary.BigEndian.Uint64(response.Body))
	// Output: application/octet-stream 42
}
