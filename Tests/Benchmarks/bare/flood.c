/* The connects of a flood against a listener that never accepts, and a look at its queue and its
   drops after each. Words: BACKLOG CONNECTS. Prints nanoseconds. */

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

static long now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000L + t.tv_nsec;
}

int main(int count, char **words)
{
    int backlog = atoi(words[1]), connects = atoi(words[2]);
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (void *)&address, length) || listen(listener, backlog)
        || getsockname(listener, (void *)&address, &length))
        return 2;
    long start = now(), last = 0, seen = 0;
    for (int i = 0; i < connects; i++) {
        int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
        if (client < 0)
            return 2;
        connect(client, (void *)&address, sizeof address);
        struct tcp_info info;
        unsigned memory[9];
        socklen_t size = sizeof info;
        getsockopt(listener, IPPROTO_TCP, TCP_INFO, &info, &size);
        size = sizeof memory;
        getsockopt(listener, SOL_SOCKET, 55 /* SO_MEMINFO */, memory, &size);
        seen += info.tcpi_unacked + memory[8];
        last = now();
    }
    printf("%ld %ld\n", last - start, seen);
    return 0;
}
