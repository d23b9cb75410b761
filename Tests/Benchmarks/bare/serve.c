/* The least that a server can do: it accepts whoever comes, throws away what they send and closes
   when they do. Words: PORT DESCRIPTORS. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static char room[65536];
static struct epoll_event events[256];

int main(int count, char **words)
{
    struct sockaddr_in at = { AF_INET, htons(atoi(words[1])), { htonl(INADDR_LOOPBACK) } };
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    int on = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), loop = epoll_create1(0);
    struct epoll_event what = { EPOLLIN, { .fd = listener } };
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (void *)&at, sizeof at) || listen(listener, 4096)
        || epoll_ctl(loop, EPOLL_CTL_ADD, listener, &what))
        return 2;
    for (;;) {
        int ready = epoll_wait(loop, events, 256, -1);
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            if (fd != listener) {
                if (recv(fd, room, sizeof room, 0) <= 0)
                    close(fd);
                continue;
            }
            while ((what.data.fd = accept4(listener, 0, 0, SOCK_NONBLOCK)) >= 0)
                epoll_ctl(loop, EPOLL_CTL_ADD, what.data.fd, &what);
        }
    }
}
