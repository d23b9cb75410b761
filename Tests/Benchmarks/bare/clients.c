/* Clients for the servers that are compared.
   `short PORT COUNT`  opens connections, ends them and waits until the server has closed too, eight
                       at a time, so that no accept queue is full; prints nanoseconds
   `idle PORT COUNT`   opens connections, prints `ready`, and keeps them until its input ends
   `scan FIRST LAST`   connects to each port in turn */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { AT_ONCE = 8 };

static long now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000L + t.tv_nsec;
}

static int opened(int port)
{
    struct sockaddr_in at = { AF_INET, htons(port), { htonl(INADDR_LOOPBACK) } };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (void *)&at, sizeof at)) {
        perror("connect");
        exit(2);
    }
    return fd;
}

static void ended(int fd)
{
    char room[256];
    while (recv(fd, room, sizeof room, 0) > 0)
        ;
    close(fd);
}

int main(int count, char **words)
{
    int first = atoi(words[2]), last = atoi(words[3]), open[AT_ONCE];
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (!strcmp(words[1], "scan")) {
        for (int port = first; port <= last; port++) {
            struct sockaddr_in at = { AF_INET, htons(port), { htonl(INADDR_LOOPBACK) } };
            int fd = socket(AF_INET, SOCK_STREAM, 0);
            connect(fd, (void *)&at, sizeof at);
            close(fd);
        }
        return 0;
    }
    if (!strcmp(words[1], "idle")) {
        for (int i = 0; i < last; i++) {
            opened(first);
            /* Some servers have a backlog of ten, and a SYN that is dropped costs a second. */
            if (i % AT_ONCE == AT_ONCE - 1)
                usleep(500);
        }
        puts("ready");
        fflush(stdout);
        char room;
        return read(0, &room, 1) != 0;
    }
    long start = now();
    for (int i = 0; i < last + AT_ONCE; i++) {
        if (i >= AT_ONCE)
            ended(open[i % AT_ONCE]);
        if (i < last) {
            open[i % AT_ONCE] = opened(first);
            shutdown(open[i % AT_ONCE], SHUT_WR);
        }
    }
    printf("%ld\n", now() - start);
    return 0;
}
