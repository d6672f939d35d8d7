package syftevent_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/syftevent/syftevent-go/fakebox"
	"github.com/syftevent/syftevent-go/syftevent"
)

// interval reads an interval that is written in the test.
func interval(t *testing.T, text string) time.Duration {
	t.Helper()
	d, err := syftevent.ParseInterval(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDocumentBasicCleanupConfiguration(t *testing.T) {
	replica := fakebox.New(t, fakebox.Config{}).Join(serverEmail)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, demoRouter(), replica)
		s.server.CleanupExpiry = interval(t, "7d")
		s.server.CleanupInterval = interval(t, "1h")
		y := &yard{t: t, dir: s.path()}
		y.put("echo/"+clientEmail+"/1.request", created(8), 8)
		y.put("echo/"+clientEmail+"/1.response", []byte("{}"), 8)
		s.start()
		defer s.stop()
		time.Sleep(time.Minute)
		stats := s.server.Stats().Cleanup
		if !s.server.CleanupRunning() || stats.RequestsDeleted != 1 || stats.ResponsesDeleted != 1 {
			t.Errorf("running %v, %v", s.server.CleanupRunning(), stats)
		}
	})
}

func TestDocumentStandaloneCleanupUtility(t *testing.T) {
	inYard(t, func(y *yard) {
		var told int
		y.cleanup.Interval, y.cleanup.Expiry = interval(y.t, "1d"), interval(y.t, "30d")
		y.cleanup.OnComplete = func(stats syftevent.CleanupStats) { told += stats.RequestsDeleted }
		y.put("echo/"+clientEmail+"/1.request", created(31), 31)
		stats, err := y.cleanup.CleanupNow(context.Background())
		if err != nil || stats.RequestsDeleted != 1 || told != 1 {
			y.t.Errorf("%v, %v, told %d", stats, err, told)
		}
	})
}

func TestDocumentTimeIntervalFormatAndParsing(t *testing.T) {
	for text, seconds := range map[string]int{
		"1d": 86400, "2h": 7200, "30m": 1800, "45s": 45, "1D": 86400,
		"1d2h30m": 95400, "2h15m30s": 8130, "1d12h30m45s": 131445,
	} {
		if got := interval(t, text); got != time.Duration(seconds)*time.Second {
			t.Errorf("%s: %v, want %d s", text, got, seconds)
		}
	}
	for _, text := range []string{"", "soon", "1w", "1.5h", "-1d"} {
		if d, err := syftevent.ParseInterval(text); err == nil {
			t.Errorf("%q: %v, want an error", text, d)
		}
	}
}

func TestDocumentCleanupStatistics(t *testing.T) {
	inYard(t, func(y *yard) {
		y.put("echo/"+clientEmail+"/1.request", created(20), 20)
		y.cleanup.CleanupNow(context.Background())
		stats := y.cleanup.Stats()
		if stats.RequestsDeleted != 1 || stats.ResponsesDeleted != 0 || stats.Errors != 0 || !stats.LastCleanup.Equal(time.Now()) {
			y.t.Errorf("%+v", stats)
		}
		want := "1 requests and 0 responses deleted, 0 errors, last cleanup " + time.Now().Format(time.RFC3339)
		if stats.String() != want {
			y.t.Errorf("%s, want %s", stats, want)
		}
		y.cleanup.ResetStats()
		if y.cleanup.Stats() != (syftevent.CleanupStats{}) {
			y.t.Errorf("after the reset: %v", y.cleanup.Stats())
		}
	})
}

func TestDocumentEndpointDesign(t *testing.T) {
	users := syftevent.NewRouter()
	say := func(text string) func(context.Context, *syftevent.Request) (*syftevent.Response, error) {
		return func(_ context.Context, req *syftevent.Request) (*syftevent.Response, error) {
			return syftevent.Text(200, text+" "+req.PathValue("id")), nil
		}
	}
	users.OnRequest("GET /", say("list"))
	users.OnRequest("POST /", say("create"))
	users.OnRequest("GET /{id}", say("get"))
	users.OnRequest("DELETE /{id}", say("delete"))
	users.OnRequest("/{id}/posts", say("posts"))
	router := syftevent.NewRouter()
	router.Include("/users", users)
	inSession(t, router, func(v *session) {
		v.body(v.call(200, "GET", "/users", nil), "list ")
		v.body(v.call(200, "POST", "/users", nil), "create ")
		v.body(v.call(200, "GET", "/users/7", nil), "get 7")
		v.body(v.call(200, "DELETE", "/users/7", nil), "delete 7")
		v.body(v.call(200, "GET", "/users/7/posts", nil), "posts 7")
	})
}

func TestDocumentStatusCodes(t *testing.T) {
	router := syftevent.NewRouter()
	router.Handle("/status", syftevent.Typed(func(_ context.Context, code int) (any, error) {
		if code < 400 {
			return nil, fmt.Errorf("status %d is no error", code)
		}
		return nil, syftevent.Errorf(code, "status %d", code)
	}))
	router.OnRequest("/success", func(_ context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		var code int
		if err := req.DecodeJSON(&code); err != nil {
			return nil, err
		}
		return syftevent.Bytes(code, nil), nil
	})
	inSession(t, router, func(v *session) {
		for _, code := range []int{200, 201, 204} {
			v.call(code, "POST", "/success", code)
		}
		for _, code := range []int{400, 401, 403, 404, 500, 502, 503} {
			v.call(code, "POST", "/status", code)
		}
		v.call(500, "POST", "/status", 200)
	})
}

func TestDocumentRequestValidation(t *testing.T) {
	type user struct {
		Name  string `json:"name"`
		Email string `json:"email"`
	}
	router := syftevent.NewRouter()
	router.Handle("/api/create", syftevent.Typed(func(_ context.Context, in user) (object, error) {
		return object{"created": in.Name}, nil
	}))
	inSession(t, router, func(v *session) {
		v.body(v.call(200, "POST", "/api/create", user{"Dora", "dora@example.com"}), `{"created":"Dora"}`)
		for body, want := range map[string]string{
			"":                      "Invalid request schema: the body is empty, want JSON",
			"{":                     "Invalid request schema: the body is not one JSON value",
			`{"name":"Dora"}`:       `Invalid request schema: field "email" is missing`,
			`{"name":1,"email":""}`: `Invalid request schema: field "name" must be of type str`,
		} {
			v.body(v.call(400, "POST", "/api/create", body), want)
		}
	})
}

func TestDocumentCleanupManagement(t *testing.T) {
	for expiry, every := range map[string]string{"1d": "1h", "30d": "1d", "7d": "1d"} {
		replica := fakebox.New(t, fakebox.Config{}).Join(serverEmail)
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, demoRouter(), replica)
			s.server.CleanupExpiry, s.server.CleanupInterval = interval(t, expiry), interval(t, every)
			s.start()
			time.Sleep(time.Second)
			if !s.server.CleanupRunning() || s.server.Stats().Cleanup.LastCleanup.IsZero() {
				t.Errorf("%s every %s: %v", expiry, every, s.server.Stats().Cleanup)
			}
			s.stop()
		})
	}
}

func TestDocumentAsyncPatterns(t *testing.T) {
	var mu sync.Mutex
	jobs := map[string]string{} // shared state is the application's own
	router := syftevent.NewRouter()
	router.OnRequest("POST /async/job", func(_ context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		mu.Lock()
		jobs[req.ID] = "pending"
		mu.Unlock()
		go func() {
			time.Sleep(time.Minute)
			mu.Lock()
			jobs[req.ID] = "done"
			mu.Unlock()
		}()
		return syftevent.JSON(202, object{"job_id": req.ID, "status": "pending", "check_url": "/async/job/" + req.ID})
	})
	router.OnRequest("GET /async/job/{id}", func(_ context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		mu.Lock()
		status, ok := jobs[req.PathValue("id")]
		mu.Unlock()
		if !ok {
			return nil, syftevent.Errorf(404, "no such job")
		}
		return syftevent.JSON(200, object{"status": status})
	})
	inSession(t, router, func(v *session) {
		var job struct {
			CheckURL string `json:"check_url"`
		}
		if err := json.Unmarshal(v.call(202, "POST", "/async/job", nil).Body, &job); err != nil {
			v.t.Fatal(err)
		}
		v.body(v.call(200, "GET", job.CheckURL, nil), `{"status":"pending"}`)
		time.Sleep(2 * time.Minute)
		v.body(v.call(200, "GET", job.CheckURL, nil), `{"status":"done"}`)
		v.call(404, "GET", "/async/job/none", nil)
	})
}

func TestDocumentUnitTestingHandlers(t *testing.T) {
	u, err := syftevent.ParseURL("syft://test@example.com/app_data/test/rpc/echo")
	if err != nil {
		t.Fatal(err)
	}
	response, err := echo(context.Background(), &syftevent.Request{
		ID: "test-123", Sender: "test@example.com", URL: u, Method: "POST", Body: []byte("Hello, World!"),
	})
	if err != nil || string(response.Body) != "Hello, World!" {
		t.Errorf("%v, %v", response, err)
	}
	// A handler that asks for path values can have them without a router.
	req := &syftevent.Request{}
	req.SetPathValue("id", "7")
	if req.PathValue("id") != "7" {
		t.Errorf("path value %q", req.PathValue("id"))
	}
}

func TestDocumentIntegrationTesting(t *testing.T) {
	router := syftevent.NewRouter()
	router.OnRequest("/test", func(context.Context, *syftevent.Request) (*syftevent.Response, error) {
		return syftevent.JSON(200, object{"test": true})
	})
	routes := router.Routes()
	if len(routes) != 1 || routes[0].Pattern != "/test" {
		t.Fatalf("routes %v", routes)
	}
	response, err := routes[0].Handler.ServeSyft(context.Background(), request(t, "/test", nil))
	if err != nil || string(response.Body) != `{"test":true}` {
		t.Errorf("%v, %v", response, err)
	}
}

func TestDocumentPerformanceConsiderations(t *testing.T) {
	router := syftevent.NewRouter()
	router.Use(syftevent.Throttle(8), syftevent.Timeout(time.Second), syftevent.RateLimit(2, time.Hour))
	router.OnRequest("/echo", echo)
	inSession(t, router, func(v *session) {
		v.body(v.call(200, "POST", "/echo", []byte{0x81, 0xa1, 'a', 1}), "\x81\xa1a\x01") // MessagePack
		v.call(200, "POST", "/echo", nil)
		if retry := v.call(429, "POST", "/echo", nil).Headers.Get("Retry-After"); retry != "3600" {
			v.t.Errorf("Retry-After: %s", retry)
		}
	})
}

func TestDocumentSecurity(t *testing.T) {
	router := syftevent.NewRouter()
	secure := syftevent.NewRouter()
	secure.Use(syftevent.BearerAuth(func(_ context.Context, token string) bool { return token == "key" }))
	secure.OnRequest("/secure", func(context.Context, *syftevent.Request) (*syftevent.Response, error) {
		return syftevent.JSON(200, object{"secure": "data"})
	})
	router.Include("/", secure)
	router.OnRequest("/open", echo)
	inSession(t, router, func(v *session) {
		v.body(v.call(401, "GET", "/secure", nil), "Unauthorized")
		v.body(v.call(200, "GET", "/secure", nil, "Authorization", "Bearer key"), `{"secure":"data"}`)
		v.call(200, "GET", "/open", nil)
	})
}

func TestDocumentCleanupUtilityAPIReference(t *testing.T) {
	inYard(t, func(y *yard) {
		// The defaults of the constructor.
		y.cleanup.Interval, y.cleanup.Expiry = 0, 0
		y.put("echo/"+clientEmail+"/old.request", created(31), 31)
		y.put("echo/"+clientEmail+"/young.request", created(29), 29)
		if y.cleanup.Running() {
			y.t.Error("it runs before the start")
		}
		if err := y.cleanup.Start(context.Background()); err != nil {
			y.t.Fatal(err)
		}
		time.Sleep(time.Second)
		if stats := y.cleanup.Stats(); !y.cleanup.Running() || stats.RequestsDeleted != 1 {
			y.t.Errorf("running %v, %v", y.cleanup.Running(), stats)
		}
		time.Sleep(syftevent.DefaultCleanupInterval)
		first := y.cleanup.Stats().LastCleanup
		if time.Since(first) > time.Minute {
			y.t.Errorf("the last cleanup was at %v, now is %v", first, time.Now())
		}
		y.cleanup.Stop()
		if y.cleanup.Running() {
			y.t.Error("it runs after the stop")
		}
	})
}
